/** What members that share learn, and what the same members learn alone. */
import { mean } from '../../../training/experiments/held-out-skill.ts';

/** One round of one member. */
export interface LearnedRound {
  readonly round: number;
  /** Share of the member's own samples that are exactly right. */
  readonly reward: number;
  /** Share of the held-out questions that its model answered right afterwards. */
  readonly heldOut: number;
  /** Others whose samples it trained on. */
  readonly foreign: number;
}

/** Rewards are means over the members and their first rounds. */
export interface LearningSummary {
  readonly members: number;
  /** Rounds of the member that had the fewest, at most those that were asked for. */
  readonly rounds: number;
  /** Rounds that a member left out between its first and its last that counts. */
  readonly missed: number;
  readonly failures: number;
  readonly together: number;
  readonly alone: number;
  /** `together` divided by `alone`. Null when those alone were never right. */
  readonly gain: number | null;
  /** The same of the first half of the rounds. */
  readonly gainAtHalf: number | null;
  readonly heldOutTogether: number;
  readonly heldOutAlone: number;
  /** Others that a member of the swarm trained with in a round. */
  readonly foreign: number;
}

/**
 * Sums up the rounds of each member, oldest first. Every member counts with as many rounds as the one with
 * the fewest. Throws RangeError without members of both kinds.
 */
export function summarize(options: {
  readonly together: readonly (readonly LearnedRound[])[];
  readonly alone: readonly (readonly LearnedRound[])[];
  readonly rounds: number;
  readonly failures: number;
}): LearningSummary {
  const all = [...options.together, ...options.alone];
  if (options.together.length === 0 || options.alone.length === 0)
    throw new RangeError('There must be members together and members alone.');
  const rounds = Math.min(options.rounds, ...all.map(({ length }) => length));
  const counted = (of: readonly (readonly LearnedRound[])[]) => of.map((member) => member.slice(0, rounds));
  const [together, alone] = [counted(options.together), counted(options.alone)];
  const reward = (of: readonly (readonly LearnedRound[])[], until: number): number =>
    meanOf(of.flatMap((member) => member.slice(0, until).map((round) => round.reward)));
  const gainUntil = (until: number): number | null => {
    const apart = reward(alone, until);
    return apart === 0 ? null : rounded(reward(together, until) / apart);
  };
  const heldOut = (of: readonly (readonly LearnedRound[])[]): number =>
    rounded(meanOf(of.flatMap((member) => member.slice(-1).map((round) => round.heldOut))));
  return {
    members: together.length,
    ...{ rounds, failures: options.failures },
    missed: [...together, ...alone].reduce((sum, member) => sum + gapsOf(member), 0),
    together: rounded(reward(together, rounds)),
    alone: rounded(reward(alone, rounds)),
    gain: gainUntil(rounds),
    gainAtHalf: gainUntil(Math.ceil(rounds / 2)),
    heldOutTogether: heldOut(together),
    heldOutAlone: heldOut(alone),
    foreign: rounded(meanOf(together.flat().map(({ foreign }) => foreign))),
  };
}

function gapsOf(rounds: readonly LearnedRound[]): number {
  const [first, last] = [rounds[0], rounds.at(-1)];
  return first === undefined || last === undefined ? 0 : last.round - first.round + 1 - rounds.length;
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : mean(values);
}

function rounded(value: number): number {
  return Number(value.toFixed(4));
}
