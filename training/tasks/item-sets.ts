/** The sets of items that rounds train on and that models are evaluated on. */
import { must } from '../../protocol/must.ts';
import { TASKS } from './catalogue.ts';
import type { Task, TaskItem, TaskName } from './task.ts';

/**
 * The tasks in use, each with its difficulties in use: a non-empty list of indices into the task's
 * `difficulties`.
 */
export type DifficultyPlan = Readonly<Partial<Record<TaskName, readonly number[]>>>;

/** The difficulties in use of a task. Throws RangeError when the plan does not name it. */
export function plannedDifficulties(plan: DifficultyPlan, name: TaskName): readonly number[] {
  const difficulties = plan[name];
  if (difficulties === undefined) throw new RangeError(`The plan names no difficulty of ${name}.`);
  return difficulties;
}

/** The plan's tasks in the catalogue's order. Throws RangeError when there are none. */
export function plannedTasks(
  plan: DifficultyPlan,
): readonly { readonly task: Task; readonly difficulties: readonly number[] }[] {
  const planned = TASKS.flatMap((task) => {
    const difficulties = plan[task.name] ?? [];
    return difficulties.length === 0 ? [] : [{ task, difficulties }];
  });
  if (planned.length === 0) throw new RangeError('The plan names no task: name at least one.');
  return planned;
}

/**
 * The pool of items of the round with that seed, all from the training share. The tasks
 * take turns, and so do the difficulties of each task.
 */
export function roundItems(seed: Uint8Array, count: number, plan: DifficultyPlan): readonly TaskItem[] {
  return itemSet(seed, count, plan, 'training');
}

/** Fixed, so that every device evaluates on the same questions. */
const HELD_OUT_SEED = new TextEncoder().encode('starling held-out questions, first edition');

/** `count` different questions from the held-out share. They are always the same. */
export function heldOutItems(count: number, plan: DifficultyPlan): readonly TaskItem[] {
  return itemSet(HELD_OUT_SEED, count, plan, 'held-out');
}

/**
 * Redraws of a repeated identity before the next task takes the turn. The smallest task has only a few dozen
 * identities. A repetition is accepted when no task has another one.
 */
const MAX_REDRAWS = 32;

function itemSet(
  seed: Uint8Array,
  count: number,
  plan: DifficultyPlan,
  share: 'training' | 'held-out',
): readonly TaskItem[] {
  const seen = new Set<string>();
  const tasks = plannedTasks(plan);
  // After so many turns every task was tried at every difficulty.
  const turns = tasks.length * Math.max(...tasks.map(({ difficulties }) => difficulties.length));
  const draw = (turn: number, index: number): TaskItem => {
    const { task, difficulties } = must(tasks, turn % tasks.length);
    const difficulty = must(difficulties, Math.floor(turn / tasks.length) % difficulties.length);
    return task.sample({ seed, index, difficulty, share });
  };
  return Array.from({ length: count }, (_, index) => {
    const isNew = (item: TaskItem) => !seen.has(`${item.task}/${item.identity}`);
    let item = draw(index, index);
    for (let skipped = 0; !isNew(item) && skipped < turns; skipped++) {
      for (let redraw = 0; !isNew(item) && redraw <= MAX_REDRAWS; redraw++) {
        item = draw(index + skipped, index + redraw * 0x10000 + skipped * 0x1000000);
      }
    }
    seen.add(`${item.task}/${item.identity}`);
    return item;
  });
}
