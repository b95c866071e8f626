/** The rounds for which this device attested a model in blocks. Pure. */
import type { AttestedRound } from './volunteer-events.ts';

/** Rounds that are remembered. */
export const ATTESTED_ROUNDS = 16;

/** Adds a round that was attested just now. */
export function addAttested(
  attested: readonly AttestedRound[],
  round: Pick<AttestedRound, 'round' | 'step' | 'root'>,
): readonly AttestedRound[] {
  const others = attested.filter((each) => each.round !== round.round);
  return [...others, { ...round, acceptedBy: 0 }].slice(-ATTESTED_ROUNDS);
}

/** Changes what is known of a round. One that was not attested in this visit changes nothing. */
export function changeAttested(
  attested: readonly AttestedRound[],
  round: number,
  change: (known: AttestedRound) => AttestedRound,
): readonly AttestedRound[] {
  if (!attested.some((each) => each.round === round)) return attested;
  return attested.map((each) => (each.round === round ? change(each) : each));
}
