import { describe, expect, it } from 'vitest';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { hashedGraph } from '../testing/hashed-blocks.ts';
import { simulatedAddress } from '../testing/simulated-pipeline.ts';
import { BlockHolders } from './block-holders.ts';

const graph = hashedGraph({ layers: 2, paths: [[1, 2]] });
const block = must([...graph.state.keys()], 0);
/** In the order of their addresses. */
const [one, two, three] = [simulatedAddress(0), simulatedAddress(1), simulatedAddress(2)];

/** The keepers of the block in the next step, as a device sees them that heard these leave in this order. */
function keepersAfter(
  holders: readonly DeviceAddress[],
  leaves: readonly (readonly [DeviceAddress, number])[],
) {
  const keepers = new Map([...graph.state.keys()].map((each) => [each, [...holders]] as const));
  const seen = new BlockHolders({ device: one, step: 4, keepers, next: keepers });
  for (const [device, step] of leaves) seen.leave(device, [block], step);
  seen.begin(5, () => false);
  return seen
    .plan(5, graph, () => false)
    .keepers(block)
    .toSorted();
}

describe('who has the versions of a block', () => {
  it('[P-151] is the same for all where all that have it leave it in one step', () => {
    for (const leaves of [
      [one, two],
      [two, one],
    ])
      expect(
        keepersAfter(
          [one, two],
          leaves.map((device) => [device, 4] as const),
        ),
      ).toEqual([two]);
  });

  it('[P-151] is who leaves it last', () => {
    const [early, late] = [
      [two, 3],
      [one, 4],
    ] as const;
    expect(keepersAfter([one, two], [early, late])).toEqual([one]);
    expect(keepersAfter([one, two], [late, early])).toEqual([one]);
  });

  it('[P-151] are those that stay, where somebody does', () => {
    expect(
      keepersAfter(
        [one, two, three],
        [
          [three, 4],
          [one, 4],
        ],
      ),
    ).toEqual([two]);
    expect(keepersAfter([one, two, three], [[one, 5]])).toEqual([one, two, three]);
  });
});
