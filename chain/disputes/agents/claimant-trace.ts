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

export interface ClaimantTraceOptions {
  /** The game's events, from the first. */
  readonly events: readonly GameEvent[];
  /** The challenger's own trace. */
  readonly own: HashTree;
  /** The disputed slot. */
  readonly slot: number;
}

/**
 * The subtrees of the claimant's trace, as far as its challenger knows them. Whoever picks a node concedes
 * all nodes before it, so the subtrees before the disputed slot are the challenger's own. The claimant
 * revealed the others on the way down. The result throws RangeError for a subtree that was neither conceded
 * nor revealed.
 */
export function claimantTrace({ events, own, slot }: ClaimantTraceOptions): Subtree {
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

/** The nodes of its trace that the claimant revealed, by "first:size". */
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
