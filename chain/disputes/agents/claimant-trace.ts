/**
 * The claimant's tree of a trace as its challenger knows it. To pick a node is to concede all before it, so subtrees before the
 * disputed slot are the challenger's own; the others were revealed on the way down.
 */
import type { Hex } from 'viem';
import {
  frontierParts,
  type HashTree,
  hexNodeHash,
  type Part,
  type Subtree,
} from '../../../protocol/hash-tree.ts';
import { splitSize } from '../../../protocol/merkle.ts';
import { type GameEvent, LEVELS_A_MOVE } from '../port.ts';

export interface ConcededOptions {
  /** The game's events, from the first. */
  readonly events: readonly GameEvent[];
  /** The challenger's own trace. */
  readonly own: HashTree;
  /** The disputed slot. */
  readonly slot: number;
}

/** Subtrees of the claimant's trace. The result throws RangeError for what was neither conceded nor revealed. */
export function claimantTrace({ events, own, slot }: ConcededOptions): Subtree {
  const revealed = revealedNodes(events, own.size);
  const subtree: Subtree = (first, size) => {
    if (first + size <= slot) return own.subtree(first, size);
    const known = revealed.get(`${first}:${size}`);
    if (known !== undefined) return known;
    if (size === 1) throw new RangeError(`Slot ${first} of the claimant’s trace is not known.`);
    const k = splitSize(size);
    return hexNodeHash(subtree(first, k), subtree(first + k, size - k));
  };
  return subtree;
}

/** Nodes that the claimant revealed of its trace, by "first:size". */
function revealedNodes(events: readonly GameEvent[], slots: number): ReadonlyMap<string, Hex> {
  const known = new Map<string, Hex>();
  let disputed: Part | undefined;
  for (const event of events) {
    if (event.kind === 'step-opened') disputed = { first: 0, size: slots };
    if (event.kind === 'slot-opened') break;
    if (disputed === undefined) continue;
    if (event.kind === 'picked') disputed = { first: event.first, size: event.size };
    if (event.kind !== 'revealed') continue;
    for (const [i, part] of frontierParts(disputed.first, disputed.size, LEVELS_A_MOVE).entries()) {
      const node = event.nodes[i];
      if (node !== undefined) known.set(`${part.first}:${part.size}`, node);
    }
  }
  return known;
}
