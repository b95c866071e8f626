import { describe, expect, it } from 'vitest';
import type { DeviceAddress } from '../../protocol/hex.ts';
import type { Candidate } from './candidates.ts';
import { type BlockSize, blockQuota, shareOf } from './share.ts';

const MB = 1_000_000;
const blocks: readonly BlockSize[] = ['embedding', 'layers.0-1', 'layers.2-3', 'head'].map((id) => ({
  id,
  versionBytes: 10 * MB,
  frozenBytes: 0,
  heldBytes: 30 * MB,
  workBytes: 20 * MB,
}));

function candidate(n: number, change: Partial<Candidate> = {}): Candidate {
  const device: DeviceAddress = `0x${n.toString(16).padStart(40, '0')}`;
  return {
    device,
    account: device,
    prefixes: [],
    hasRecord: true,
    latencyClass: 0,
    freeBytes: 1000 * MB,
    holds: new Set(),
    refuses: new Set(),
    ...change,
  };
}

const others = (count: number) => Array.from({ length: count }, (_, n) => candidate(n + 1));
const share = (count: number, change: Partial<Candidate> = {}) =>
  shareOf({ run: 'a:0', blocks, self: candidate(0, change), others: others(count) });

describe('shareOf', () => {
  it('[P-162] keeps all blocks where few are there, with the bytes that it takes', () => {
    expect(share(0)).toEqual({
      keeps: ['embedding', 'layers.0-1', 'layers.2-3', 'head'],
      standsBy: [],
      disk: 4 * 4 * 10 * MB,
      memory: 4 * 30 * MB + 20 * MB,
      sentence:
        'This device would keep 4 of 4 blocks (embedding, layers.0-1, layers.2-3, head), ' +
        'with 160 MB of disk and 140 MB of memory.',
    });
  });

  it('[P-157] counts frozen weights once, beside four versions', () => {
    const frozen = blocks.map((block, n) => ({ ...block, frozenBytes: n === 0 ? 500 * MB : 0 }));
    const of = (freeBytes: number) =>
      shareOf({ run: 'a:0', blocks: frozen, self: candidate(0, { freeBytes }), others: [] });
    expect(of(660 * MB)).toMatchObject({ keeps: blocks.map(({ id }) => id), disk: 660 * MB });
    expect(of(659 * MB).keeps).toHaveLength(3);
    expect(of(539 * MB).keeps).not.toContain('embedding');
  });

  it('[P-162] keeps fewer where many are there, and what the others would see too', () => {
    const shares = [0, 1, 2, 3, 4, 5, 6, 7].map((n) =>
      shareOf({
        run: 'a:0',
        blocks,
        self: candidate(n),
        others: [0, 1, 2, 3, 4, 5, 6, 7].filter((other) => other !== n).map((other) => candidate(other)),
      }),
    );
    for (const { id } of blocks) {
      expect(shares.filter(({ keeps }) => keeps.includes(id))).toHaveLength(3);
      expect(shares.filter(({ standsBy }) => standsBy.includes(id))).toHaveLength(1);
    }
  });

  it('[P-162] never keeps more than it has room for, and says in words when that is nothing', () => {
    expect(share(2, { freeBytes: 80 * MB }).keeps).toHaveLength(2);
    expect(share(2, { freeBytes: 39 * MB })).toMatchObject({ keeps: [], disk: 0, memory: 0 });
    expect(share(2, { freeBytes: 39 * MB }).sentence).toBe(
      'This device has 39 MB for blocks, and the smallest needs 40 MB. ' +
        'Allow it more disk or memory, or take part on a larger device.',
    );
    const crowded = share(500);
    expect(crowded.keeps).toEqual([]);
    expect(crowded.sentence).toMatch(/would keep none yet|would stand by/);
  });
});

describe('blockQuota', () => {
  it('is bound by the disk or by the memory, whichever is less', () => {
    expect(blockQuota(blocks, { diskBytes: 100 * MB, memoryBytes: 1000 * MB })).toBe(100 * MB);
    // 80 MB beside the work, of which a block of 40 MB on disk takes 30.
    const quota = blockQuota(blocks, { diskBytes: 1000 * MB, memoryBytes: 100 * MB });
    expect(quota).toBe(Math.floor((80 * MB * 40) / 30));
    const { keeps, memory } = share(0, { freeBytes: quota });
    expect(keeps).toHaveLength(2);
    expect(memory).toBeLessThanOrEqual(100 * MB);
    expect(blockQuota(blocks, { diskBytes: 1000 * MB, memoryBytes: 10 * MB })).toBe(0);
  });

  it('never lets the memory overflow, whatever the blocks are', () => {
    const uneven = blocks.map((block, n) => ({
      ...block,
      versionBytes: (n + 1) * MB,
      heldBytes: (5 - n) * 7 * MB,
      workBytes: n * MB,
    }));
    for (let memoryBytes = 0; memoryBytes < 200 * MB; memoryBytes += 3 * MB) {
      const freeBytes = blockQuota(uneven, { diskBytes: 50 * MB, memoryBytes });
      const { memory, disk } = shareOf({
        run: 'a:0',
        blocks: uneven,
        self: candidate(0, { freeBytes }),
        others: others(1),
      });
      expect(memory).toBeLessThanOrEqual(memoryBytes);
      expect(disk).toBeLessThanOrEqual(freeBytes);
    }
  });
});
