import { describe, expect, it } from 'vitest';
import type { DeviceAddress } from '../../protocol/hex.ts';
import type { BlockKeepers, Candidate } from './candidates.ts';
import { spreadCopies } from './spread-copies.ts';

const blocks = ['wanted', 'moved'].map((id) => ({ id, bytes: 100 }));
const address = (n: number): DeviceAddress => `0x${n.toString(16).padStart(40, '0')}`;

function candidate(n: number, change: Partial<Candidate> = {}): Candidate {
  return {
    ...{ device: address(n), account: address(n), prefixes: [], hasRecord: true, latencyClass: 0 },
    ...{ freeBytes: 100, holds: new Set(), refuses: new Set() },
    ...change,
  };
}

const placed = (wanted: readonly number[], moved: readonly number[]): ReadonlyMap<string, BlockKeepers> =>
  new Map(
    [wanted, moved].map((keepers, i) => [
      blocks[i]?.id ?? '',
      { keepers: keepers.map(address), spare: undefined, missing: 3 - keepers.length },
    ]),
  );

const keepersIn = (places: ReadonlyMap<string, BlockKeepers>) =>
  Object.fromEntries([...places].map(([id, { keepers }]) => [id, keepers.map(Number)]));

/** Has room, but for the other block alone. */
const taker = (n: number) => candidate(n, { refuses: new Set(['wanted']) });

describe('copies of blocks', () => {
  it('[P-162] pass over a device with room, the first by address whoever is known first', () => {
    const candidates = [candidate(1), taker(3), taker(2)];
    for (const known of [candidates, [...candidates].reverse()])
      expect(keepersIn(spreadCopies(blocks, known, placed([], [1])))).toEqual({ wanted: [1], moved: [2] });
  });

  it('[P-162] come from a block with two more', () => {
    const all = [candidate(1), candidate(2)];
    expect(keepersIn(spreadCopies(blocks, all, placed([], [1, 2])))).toEqual({ wanted: [1], moved: [2] });
    expect(keepersIn(spreadCopies(blocks, all, placed([1], [2])))).toEqual({ wanted: [1], moved: [2] });
  });

  it('[P-162] go to no second device of one owner, and to a second stranger only where nobody else can', () => {
    const owned = [candidate(1), candidate(2, { account: 'owner' }), candidate(3, { account: 'owner' })];
    expect(keepersIn(spreadCopies(blocks, owned, placed([2], [1, 3]))).wanted).toEqual([2]);
    const stranger = (n: number) => candidate(n, { hasRecord: false });
    const known = [stranger(1), stranger(2), candidate(3), candidate(4)];
    expect(keepersIn(spreadCopies(blocks, known, placed([1], [2, 3, 4]))).wanted).toEqual([1, 3]);
    const all = [1, 2, 3, 4].map(stranger);
    expect(keepersIn(spreadCopies(blocks, all, placed([1], [2, 3, 4]))).wanted).toEqual([1, 2]);
  });
});
