import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PhiloxBlock, type PhiloxKey, philox4x32, RandomStream, uniformOf } from './philox.ts';

/** Published with Random123 (DE Shaw Research), file kat_vectors, lines philox4x32 10. */
const KNOWN: readonly (readonly [PhiloxBlock, PhiloxKey, PhiloxBlock])[] = [
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
];

const seed = new Uint8Array(32).fill(7);

describe('philox4x32', () => {
  it.each(KNOWN)('gives the published words for counter %o', (counter, key, block) => {
    expect(philox4x32(counter, key)).toEqual(block);
  });
});

describe('RandomStream', () => {
  it('gives other draws for another round, device, purpose, seed, item, sample or position', () => {
    const name = { seed, round: 3, device: '0xab', purpose: 'sampling' } as const;
    const draws = [
      RandomStream.named(name).word(1, 2, 3),
      RandomStream.named({ ...name, round: 4 }).word(1, 2, 3),
      RandomStream.named({ ...name, device: '0xac' }).word(1, 2, 3),
      RandomStream.named({ ...name, purpose: 'items' }).word(1, 2, 3),
      RandomStream.named({ ...name, seed: new Uint8Array(32).fill(8) }).word(1, 2, 3),
      RandomStream.named(name).word(2, 2, 3),
      RandomStream.named(name).word(1, 3, 3),
      RandomStream.named(name).word(1, 2, 4),
    ];
    expect(new Set(draws).size).toBe(draws.length);
    expect(RandomStream.named(name).word(1, 2, 3)).toBe(draws[0]);
  });

  it('gives uniforms below 1 that f32 holds exactly', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (word) => {
        const uniform = uniformOf(word);
        expect(uniform).toBeGreaterThanOrEqual(0);
        expect(uniform).toBeLessThan(1);
        expect(Math.fround(uniform)).toBe(uniform);
      }),
    );
  });

  it('spreads integers evenly and shuffles without loss', () => {
    const stream = RandomStream.named({ seed, round: 0, device: '', purpose: 'order' });
    const counts = new Array<number>(10).fill(0);
    const draws = stream.sequence(0);
    for (let i = 0; i < 10_000; i++) {
      const face = draws.integer(0, 9);
      counts[face] = (counts[face] ?? 0) + 1;
    }
    // Chi-square with 9 degrees of freedom; 33.7 is its 0.9999 quantile, and the draws are fixed.
    const chiSquare = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chiSquare).toBeLessThan(33.7);
    const shuffled = stream.sequence(1).shuffle([1, 2, 3, 4, 5, 6]);
    expect([...shuffled].sort()).toEqual([1, 2, 3, 4, 5, 6]);
  });
});
