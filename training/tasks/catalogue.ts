/** Every task, in the fixed order in which rounds and evaluations go through them. */
import { complementing } from './complementing.ts';
import { gcd } from './gcd.ts';
import { reversing } from './reversing.ts';
import { rotating } from './rotating.ts';
import { shifting } from './shifting.ts';
import { sorting } from './sorting.ts';
import { sums } from './sums.ts';
import { swapping } from './swapping.ts';
import type { Task, TaskName } from './task.ts';

export const TASKS: readonly Task[] = [
  sums,
  sorting,
  gcd,
  reversing,
  rotating,
  shifting,
  swapping,
  complementing,
];

/** The tasks that the nano model is taught, and that verified runs draw from. */
export const NANO_TASKS: readonly Task[] = [sums, sorting, gcd, reversing];

/** The task of that name. Throws RangeError on an unknown one. */
export function taskNamed(name: TaskName): Task {
  const task = TASKS.find((candidate) => candidate.name === name);
  if (task === undefined) throw new RangeError(`No task is called ${name}.`);
  return task;
}
