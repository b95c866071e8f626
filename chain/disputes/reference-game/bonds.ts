/** What a game can cost and how long it can take (docs/verde.md, "Bonds"). */
import type { Terms } from '../../../protocol/evidence.ts';
import { LEVELS_A_MOVE, type Settings } from '../port.ts';

/** Leaves of an output that a game can lead into. */
export const MAX_LEAVES = 4096;
/** Moves that a judgement counts as in a bond. */
const JUDGEMENT = 20;
/** Opening the step, the slot and the leaf, naming the element, posting a fold, naming a chunk, the judge. */
const SINGLE_MOVES = 7;

function revealsOf(size: number): number {
  return Math.ceil(Math.ceil(Math.log2(size)) / LEVELS_A_MOVE);
}

/** Moves of the longest game under these terms, both sides together. */
export function maxMoves(terms: Terms): number {
  const reveals = revealsOf(terms.steps) + revealsOf(terms.slots) + revealsOf(MAX_LEAVES);
  return 2 * reveals + SINGLE_MOVES;
}

/** Wei due with a challenge. */
export function challengeBond(terms: Terms, { moveBond }: Settings): bigint {
  return BigInt(maxMoves(terms) + JUDGEMENT) * moveBond;
}

/** Wei due with a claim. */
export function claimBond(terms: Terms, settings: Settings): bigint {
  return 4n * challengeBond(terms, settings);
}

/** Seconds after a claim by which it is decided, if someone calls what anyone may call. */
export function maxSeconds(terms: Terms, { window, budget, extension }: Settings): number {
  return window + 3 * budget + maxMoves(terms) * extension;
}
