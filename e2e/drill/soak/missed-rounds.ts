/**
 * Rounds of a swarm in which every member had to take part, and how many of their attestations are missing.
 */
export interface RoundCount {
  readonly rounds: number;
  readonly missed: number;
}

/**
 * Counts the rounds from the first that every member attested to `last`. A member misses each of them that it
 * did not attest. `attested` has the rounds of each member; a member without any misses all.
 */
export function countRounds(attested: readonly (readonly number[])[], last: number): RoundCount {
  const sets = attested.map((rounds) => new Set(rounds));
  const starts = attested.map((rounds) => Math.min(...rounds)).filter(Number.isFinite);
  const first = Math.max(...starts);
  if (starts.length === 0 || first > last) return { rounds: 0, missed: 0 };
  let missed = 0;
  for (let round = first; round <= last; round++)
    missed += sets.filter((rounds) => !rounds.has(round)).length;
  return { rounds: last - first + 1, missed };
}
