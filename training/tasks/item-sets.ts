/** The sets of items that rounds train on and that models are evaluated on. */
import { TASKS } from './catalogue.ts';
import type { TaskItem, TaskName } from './task.ts';

/** The difficulties in use, per task: a non-empty list of indices into the task's `difficulties`. */
export type DifficultyPlan = Readonly<Record<TaskName, readonly number[]>>;

/**
 * The items that every device answers in the round with that seed, all from the training share. The tasks
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
 * Redraws of a repeated identity before it is accepted twice. The smallest task has only a few dozen
 * identities.
 */
const MAX_REDRAWS = 32;

function itemSet(
  seed: Uint8Array,
  count: number,
  plan: DifficultyPlan,
  share: 'training' | 'held-out',
): readonly TaskItem[] {
  const seen = new Set<string>();
  return Array.from({ length: count }, (_, index) => {
    const task = TASKS[index % TASKS.length];
    if (task === undefined) throw new RangeError('There are no tasks.');
    const difficulties = plan[task.name];
    const difficulty = difficulties[Math.floor(index / TASKS.length) % difficulties.length];
    if (difficulty === undefined) throw new RangeError(`The plan names no difficulty of ${task.name}.`);
    for (let redraw = 0; ; redraw++) {
      const item = task.sample({ seed, index: index + redraw * 0x10000, difficulty, share });
      const key = `${item.task}/${item.identity}`;
      if (seen.has(key) && redraw < MAX_REDRAWS) continue;
      seen.add(key);
      return item;
    }
  });
}
