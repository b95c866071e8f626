/** What a game can cost and how long it can take (docs/verde.md, "Bonds"). */
import type { Terms } from '../../../protocol/evidence.ts';
import { budgetOf, LEVELS_A_MOVE, MAX_LEAVES, type Settings, windowOf } from '../port.ts';

/** How many moves a judgement counts as in a bond. */
const JUDGEMENT = 20;
/** The moves that a game has once: openStep, openSlot, openLeaf, pickElement, postFold, pickChunk, judge. */
const SINGLE_MOVES = 7;

function revealsOf(size: number): number {
  return Math.ceil(Math.ceil(Math.log2(size)) / LEVELS_A_MOVE);
}

/** Moves of the longest game under these terms, of both sides together. */
export function maxMoves(terms: Terms): number {
  const reveals = revealsOf(terms.steps) + revealsOf(terms.slots) + revealsOf(MAX_LEAVES);
  return 2 * reveals + SINGLE_MOVES;
}

/** The bond of a challenge, in wei. */
export function challengeBond(terms: Terms, { moveBond }: Settings): bigint {
  return BigInt(maxMoves(terms) + JUDGEMENT) * moveBond;
}

/** The bond of a claim, in wei. */
export function claimBond(terms: Terms, settings: Settings): bigint {
  return 4n * challengeBond(terms, settings);
}

/**
 * How many seconds after it was made a claim is decided, if somebody makes the calls that anyone may make.
 */
export function maxSeconds(terms: Terms, settings: Settings): number {
  const { steps } = terms;
  return windowOf(settings, steps) + 3 * budgetOf(settings, steps) + maxMoves(terms) * settings.extension;
}
