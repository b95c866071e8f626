import type { Stage } from '../../protocol/ledger.ts';

/**
 * Splits a round into its stages as 8 : 5 : 7, each at least one second, so that they add up to the round.
 */
export function stageSeconds(round: number): Readonly<Record<Stage, number>> {
  if (!Number.isInteger(round) || round < 3) throw new RangeError('A round has at least three seconds.');
  const critique = Math.max(1, Math.round((round * 5) / 20));
  const vote = Math.max(1, Math.round((round * 7) / 20));
  return { answer: round - critique - vote, critique, vote };
}
