import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { type BlockNeed, type Candidate, KEEPERS } from './candidates.ts';
import { keepersOf, LATENCY_CLASSES, latencyClassOf, placeBlocks } from './keepers.ts';

const RUN = '31337:0xaa:0';
const block: BlockNeed = { id: 'layers.0-1', bytes: 1000 };

const address = (n: number): DeviceAddress => `0x${n.toString(16).padStart(40, '0')}`;

function candidate(n: number, change: Partial<Candidate> = {}): Candidate {
  return {
    device: address(n),
    account: address(n),
    prefixes: [`10.0.${n}`],
    hasRecord: true,
    latencyClass: 0,
    freeBytes: 10_000,
    holds: new Set(),
    refuses: new Set(),
    ...change,
  };
}

const many = (count: number): readonly Candidate[] => Array.from({ length: count }, (_, n) => candidate(n));
const chosen = (candidates: readonly Candidate[], need = block): readonly DeviceAddress[] => {
  const { keepers, spare } = keepersOf(RUN, need, candidates);
  return spare === undefined ? keepers : [...keepers, spare];
};

describe('keepersOf', () => {
  it('[P-162] chooses three keepers and a spare, the same in whatever order the devices are known', () => {
    const candidates = many(9);
    const all = chosen(candidates);
    expect(new Set(all).size).toBe(KEEPERS + 1);
    expect(chosen(candidates.toReversed())).toEqual(all);
    expect(all).toEqual([address(6), address(5), address(0), address(1)]);
  });

  it('[P-162] moves one place when a device joins or leaves, and none when it was not chosen', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(10_000), { minLength: 5, maxLength: 20 }), fc.nat(3), (ids, slow) => {
        const candidates = ids.map((n) => candidate(n, { latencyClass: n % (slow + 1), prefixes: [`${n}`] }));
        const before = chosen(candidates);
        const [gone, ...rest] = candidates;
        const after = chosen(rest);
        const kept = before.filter((device) => after.includes(device));
        const wasChosen = before.includes(gone?.device ?? '0x');
        expect(kept.length).toBe(before.length - (wasChosen ? 1 : 0));
        // The spare steps in: the devices that stay keep their order.
        expect(after.slice(0, kept.length)).toEqual(kept);
      }),
    );
  });

  it('[P-162] never takes two devices of one owner or of one address prefix', () => {
    const one = many(12).map((each, n) => ({ ...each, account: `owner ${n % 2}` }));
    expect(keepersOf(RUN, block, one)).toMatchObject({ missing: 1, spare: undefined });
    expect(keepersOf(RUN, block, one).keepers).toHaveLength(2);
    const home = many(12).map((each, n) => ({ ...each, prefixes: [`${n}`, `10.0.${n % 3}`] }));
    const { keepers, spare } = keepersOf(RUN, block, home);
    expect(keepers).toHaveLength(3);
    expect(spare).toBeUndefined();
    // On a local network addresses do not count.
    expect(chosen(many(12).map((each) => ({ ...each, prefixes: [] })))).toHaveLength(4);
  });

  it('[P-162] passes over devices without room, unless they hold the block, and those that refuse it', () => {
    const first = chosen(many(9));
    const full = (n: number, change: Partial<Candidate>) =>
      many(9).map((each) => (each.device === first[n] ? { ...each, ...change } : each));
    expect(chosen(full(0, { freeBytes: 999 }))).toEqual([...first.slice(1), expect.any(String)]);
    expect(chosen(full(0, { freeBytes: 0, holds: new Set([block.id]) }))).toEqual(first);
    expect(chosen(full(1, { refuses: new Set([block.id]) }))).not.toContain(first[1]);
    expect(chosen(full(1, { refuses: new Set(['head']) }))).toEqual(first);
    expect(keepersOf(RUN, { id: 'head', bytes: 10_001 }, many(9))).toEqual({
      keepers: [],
      spare: undefined,
      missing: 3,
    });
  });

  it('[P-162] has at most one stranger among the keepers while others can keep the block', () => {
    const strangers = Array.from({ length: 500 }, (_, n) => candidate(100 + n, { hasRecord: false }));
    const known = many(3);
    const { keepers } = keepersOf(RUN, block, [...strangers, ...known]);
    const isKnown = (device: DeviceAddress) => known.some((each) => each.device === device);
    expect(keepers.filter(isKnown)).toHaveLength(2);
    expect(chosen([...strangers, ...known]).filter(isKnown)).toHaveLength(3);
    // Where nobody has a record, strangers keep the blocks.
    expect(chosen(strangers)).toHaveLength(4);
  });

  it('[P-162] gives a class of latency half the blocks of the class before it', () => {
    const counts = Array.from({ length: LATENCY_CLASSES }, () => 0);
    const candidates = Array.from({ length: 40 }, (_, n) =>
      candidate(n, { latencyClass: n % 4, prefixes: [] }),
    );
    for (let n = 0; n < 500; n++) {
      for (const device of keepersOf(RUN, { id: `b${n}`, bytes: 1 }, candidates).keepers) {
        const place = Number(device) % 4;
        counts[place] = (counts[place] ?? 0) + 1;
      }
    }
    const [a = 0, b = 0, c = 0, d = 0] = counts;
    for (const [more, less] of [
      [a, b],
      [b, c],
      [c, d],
    ] as const) {
      expect(more / less).toBeGreaterThan(1.5);
      expect(more / less).toBeLessThan(2.6);
    }
  });
});

describe('latencyClassOf', () => {
  it('has four classes', () => {
    expect([0, 40, 41, 100, 101, 250, 251, 9999].map(latencyClassOf)).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
  });
});

describe('placeBlocks', () => {
  it('gives no device more than it has room for', () => {
    const blocks = Array.from({ length: 12 }, (_, n) => ({ id: `layers.${n}`, bytes: 1000 }));
    const candidates = many(8).map((each, n) => ({ ...each, freeBytes: 1000 * (n + 1) }));
    const placed = placeBlocks(RUN, blocks, candidates);
    for (const { device, freeBytes } of candidates) {
      const kept = [...placed.values()].filter(({ keepers }) => keepers.includes(device)).length;
      expect(1000 * kept).toBeLessThanOrEqual(freeBytes);
    }
    // 36 places are asked for, and there is room for 36.
    const missing = [...placed.values()].reduce((sum, each) => sum + each.missing, 0);
    expect(missing).toBeLessThan(6);
  });

  it('[P-162] leaves no block out while others have copies', () => {
    const blocks = Array.from({ length: 6 }, (_, n) => ({ id: `layers.${n}`, bytes: 1000 }));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 6, maxLength: 12 }), (places) => {
        const candidates = places.map((count, n) => candidate(n, { freeBytes: 1000 * count }));
        const sizes = [...placeBlocks(RUN, blocks, candidates).values()].map(({ keepers }) => keepers.length);
        const all = places.reduce((sum, count) => sum + count, 0);
        if (all >= blocks.length) expect(Math.min(...sizes)).toBeGreaterThan(0);
        for (const [n, count] of places.entries()) {
          const kept = [...placeBlocks(RUN, blocks, candidates).values()].filter(({ keepers }) =>
            keepers.includes(address(n)),
          );
          expect(kept.length).toBeLessThanOrEqual(count);
        }
      }),
    );
  });

  it('[P-162] takes copies away where they leave no room for a block that nobody has', () => {
    const blocks = ['embedding', 'layers.0', 'layers.1', 'layers.2'].map((id) => ({ id, bytes: 1000 }));
    const full = (n: number, ...ids: readonly string[]) =>
      candidate(n, { freeBytes: 0, holds: new Set(ids) });
    const placed = placeBlocks(RUN, blocks, [
      full(1, 'embedding', 'layers.0'),
      full(2, 'layers.0', 'layers.1'),
    ]);
    expect([...placed.values()].map(({ keepers }) => keepers.length)).toEqual([1, 1, 1, 1]);
    expect(placed.get('embedding')?.keepers).toEqual([address(1)]);
    expect(placed.get('layers.1')?.keepers).toEqual([address(2)]);
  });

  it('[P-162] takes third copies away where they leave no room for a second one', () => {
    const blocks = ['embedding', 'layers.0', 'layers.1', 'layers.2'].map((id) => ({ id, bytes: 1000 }));
    const full = (n: number, ...ids: readonly string[]) =>
      candidate(n, { freeBytes: 0, holds: new Set(ids) });
    const candidates = [
      full(1, 'embedding', 'layers.0', 'layers.1'),
      full(2, 'embedding', 'layers.0', 'layers.1'),
      full(3, 'embedding', 'layers.0', 'layers.2'),
    ];
    const placed = placeBlocks(RUN, blocks, candidates);
    expect([...placed.values()].map(({ keepers }) => keepers.length).sort()).toEqual([2, 2, 2, 3]);
    expect(placed.get('layers.2')?.keepers).toHaveLength(2);
    // Where everybody has what it is to keep, nothing moves.
    const settled = candidates.map((each) => ({
      ...each,
      holds: new Set(
        blocks.map(({ id }) => id).filter((id) => placed.get(id)?.keepers.includes(each.device)),
      ),
    }));
    const again = placeBlocks(RUN, blocks, settled);
    for (const { id } of blocks)
      expect(new Set(again.get(id)?.keepers)).toEqual(new Set(placed.get(id)?.keepers));
  });

  it('[P-162] gives every block a keeper whatever devices hold, where all of them have room together', () => {
    const ids = Array.from({ length: 6 }, (_, n) => `layers.${n}`);
    const blocks = ids.map((id) => ({ id, bytes: 1000 }));
    const device = fc.record({ holds: fc.uniqueArray(fc.nat(5), { maxLength: 3 }), free: fc.nat(1) });
    fc.assert(
      fc.property(fc.array(device, { minLength: 3, maxLength: 8 }), (devices) => {
        const candidates = devices.map(({ holds, free }, n) =>
          candidate(n, { freeBytes: 1000 * free, holds: new Set(holds.map((i) => `layers.${i}`)) }),
        );
        const room = devices.map(({ holds, free }) => holds.length + free);
        const placed = placeBlocks(RUN, blocks, candidates);
        const kept = (n: number) =>
          [...placed.values()].filter(({ keepers }) => keepers.includes(address(n))).length;
        if (room.reduce((sum, each) => sum + each, 0) >= blocks.length)
          expect(Math.min(...[...placed.values()].map(({ keepers }) => keepers.length))).toBeGreaterThan(0);
        for (const [n, most] of room.entries()) expect(kept(n)).toBeLessThanOrEqual(most);
      }),
    );
  });

  it('[P-162] gives every block two keepers whatever devices hold, where they have room for them', () => {
    const ids = Array.from({ length: 6 }, (_, n) => `layers.${n}`);
    const blocks = ids.map((id) => ({ id, bytes: 1000 }));
    const device = fc.record({
      holds: fc.uniqueArray(fc.nat(5), { maxLength: 6 }),
      free: fc.nat(2),
      hasRecord: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(device, { minLength: 2, maxLength: 8 }), (devices) => {
        const candidates = devices.map(({ holds, free, hasRecord }, n) =>
          candidate(n, {
            freeBytes: 1000 * free,
            holds: new Set(holds.map((i) => `layers.${i}`)),
            hasRecord,
          }),
        );
        const room = devices.map(({ holds, free }) => holds.length + free);
        const placed = placeBlocks(RUN, blocks, candidates);
        const copies = [...placed.values()].map(({ keepers }) => keepers.length);
        const useful = room.reduce((sum, each) => sum + Math.min(each, blocks.length), 0);
        expect(placeBlocks(RUN, blocks, [...candidates].reverse())).toEqual(placed);
        if (useful >= 2 * blocks.length) expect(Math.min(...copies)).toBeGreaterThanOrEqual(2);
        for (const [n, most] of room.entries()) {
          const kept = [...placed.values()].filter(({ keepers }) => keepers.includes(address(n)));
          expect(kept.length).toBeLessThanOrEqual(most);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('leaves the blocks of other runs elsewhere', () => {
    const blocks = Array.from({ length: 8 }, (_, n) => ({ id: `layers.${n}`, bytes: 1 }));
    const one = placeBlocks(RUN, blocks, many(20));
    const other = placeBlocks('31337:0xaa:1', blocks, many(20));
    expect([...one.values()]).not.toEqual([...other.values()]);
  });
});
