/** Every generator that this program knows. */
import type { GeneratorEntry, TaskSelection } from '../../protocol/swarm-spec.ts';
import { complementing } from './short/complementing.ts';
import { gcd } from './short/gcd.ts';
import { reversing } from './short/reversing.ts';
import { rotating } from './short/rotating.ts';
import { shifting } from './short/shifting.ts';
import { sorting } from './short/sorting.ts';
import { sums } from './short/sums.ts';
import { swapping } from './short/swapping.ts';
import type { Task } from './task.ts';
import { baseConversion } from './words/base-conversion.ts';
import { booleanLogic } from './words/boolean-logic.ts';
import { calendar } from './words/calendar.ts';
import { chainSums } from './words/chain-sums.ts';
import { clock } from './words/clock.ts';
import { divisors } from './words/divisors.ts';
import { equations } from './words/equations.ts';
import { knightsAndKnaves } from './words/knights-and-knaves.ts';
import { letterCounting } from './words/letter-counting.ts';
import { matrixRotation } from './words/matrix-rotation.ts';
import { remainders } from './words/remainders.ts';
import { reverseList } from './words/reverse-list.ts';
import { sequences } from './words/sequences.ts';
import { sortNumbers } from './words/sort-numbers.ts';
import { spellBackward } from './words/spell-backward.ts';
import { stories } from './words/stories.ts';
import { wordLadder } from './words/word-ladder.ts';

/** Tasks of a few characters each, made for the nano model. */
export const SHORT_TASKS: readonly Task[] = [
  sums,
  sorting,
  gcd,
  reversing,
  rotating,
  shifting,
  swapping,
  complementing,
];

/** Tasks in a sentence or two with a worked solution, the easiest first. */
export const WORD_TASKS: readonly Task[] = [
  chainSums,
  stories,
  spellBackward,
  letterCounting,
  sortNumbers,
  sequences,
  remainders,
  calendar,
  equations,
  divisors,
  clock,
  reverseList,
  baseConversion,
  booleanLogic,
  matrixRotation,
  wordLadder,
  knightsAndKnaves,
];

export const TASKS: readonly Task[] = [...SHORT_TASKS, ...WORD_TASKS];

/** The nano model's tasks at the difficulties that it is taught, and that verified runs draw from. */
export const NANO_SELECTION: TaskSelection = selectGenerators({
  sums: [0, 1],
  sorting: [0, 1, 2],
  gcd: [0, 1, 2],
  reversing: [0, 1, 2],
});

/**
 * A selection of the catalogue's present versions, by the difficulties of each task. Throws RangeError on an
 * unknown id.
 */
export function selectGenerators(difficulties: Readonly<Record<string, readonly number[]>>): TaskSelection {
  const generators = Object.entries(difficulties).map(([id, chosen]): GeneratorEntry => {
    const task = TASKS.find((candidate) => candidate.id === id);
    if (task === undefined) throw new RangeError(`No task has the id ${id}.`);
    return { id, version: task.version, difficulties: chosen };
  });
  return { generators, dataSets: [] };
}

/** A task and its difficulties in use. */
export interface ChosenGenerator {
  readonly task: Task;
  readonly difficulties: readonly number[];
}

/** A swarm's tasks cannot be opened by this program. */
export class UnknownTaskError extends Error {
  override readonly name = 'UnknownTaskError';
}

/** Looks up the entries in the catalogue. Throws UnknownTaskError, also for another version of a task. */
export function chosenGenerators(entries: readonly GeneratorEntry[]): readonly ChosenGenerator[] {
  return entries.map(({ id, version, difficulties }) => {
    const task = TASKS.find((candidate) => candidate.id === id);
    if (task === undefined) {
      throw new UnknownTaskError(
        `This program knows no task ${id}: update the program, or choose a swarm without that task.`,
      );
    }
    if (task.version !== version) {
      throw new UnknownTaskError(
        `This program has version ${task.version} of the task ${id}, and the swarm uses version ${version}: ` +
          `${task.version < version ? 'update the program' : 'use the program of that time'}, or choose another swarm.`,
      );
    }
    const unknown = difficulties.find((difficulty) => task.difficulties[difficulty] === undefined);
    if (unknown !== undefined) {
      throw new UnknownTaskError(
        `The task ${id} has difficulties 0 to ${task.difficulties.length - 1}, not ${unknown}: choose among those.`,
      );
    }
    return { task, difficulties };
  });
}

/** The chosen generator with that id. Throws RangeError when the selection has none. */
export function chosenGenerator({ generators }: TaskSelection, id: string): ChosenGenerator {
  const [chosen] = chosenGenerators(generators.filter((entry) => entry.id === id));
  if (chosen === undefined) throw new RangeError(`The selection has no task ${id}.`);
  return chosen;
}
