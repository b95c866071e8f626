/** The items that a swarm trains on and evaluates on, from its choice of tasks. */
import type { TaskSelection } from '../../protocol/swarm-spec.ts';
import { parseTaskSelection } from '../../protocol/swarm-spec-codec.ts';
import { chosenGenerators, UnknownTaskError } from './catalogue.ts';
import { dataSetDrawer, openDataSet } from './data-set.ts';
import { generatorDrawer, itemSet } from './item-set.ts';
import type { Share, TaskItem } from './task.ts';

export interface TaskSource {
  readonly selection: TaskSelection;
  /** Generators first, then data sets, in the order of the selection. */
  readonly taskIds: readonly string[];
  /**
   * The pool of items of the round with that seed, all from the training share. The tasks take turns, and so
   * do the difficulties of each task. Fewer than `count` when data sets are all there is and have no more.
   */
  roundItems(seed: Uint8Array, count: number): readonly TaskItem[];
  /**
   * `count` different questions from the held-out share. They are always the same. Fewer when data sets are
   * all there is and have no more.
   */
  heldOutItems(count: number): readonly TaskItem[];
}

/** The bytes or text of each data set's file, by the data set's id. */
export type DataSetTexts = ReadonlyMap<string, Uint8Array | string>;

/** Fixed, so that every device evaluates on the same questions. */
const HELD_OUT_SEED = new TextEncoder().encode('starling held-out questions, first edition');

/**
 * Opens a swarm's tasks. Throws SwarmSpecError on a selection out of bounds, UnknownTaskError on a task or
 * version that this program does not have, and DataSetError on a missing, other or unreadable data set.
 */
export async function openTasks(selection: TaskSelection, dataSetTexts: DataSetTexts): Promise<TaskSource> {
  const parsed = parseTaskSelection(selection);
  const taskIds = [...parsed.generators, ...parsed.dataSets].map(({ id }) => id);
  const twice = taskIds.find((id, index) => taskIds.indexOf(id) !== index);
  if (twice !== undefined) {
    throw new UnknownTaskError(`Two tasks have the id ${twice}: give the data set another one.`);
  }
  const generators = chosenGenerators(parsed.generators);
  const dataSets = await Promise.all(
    parsed.dataSets.map((entry) => openDataSet(entry, dataSetTexts.get(entry.id))),
  );
  const drawersOf = (seed: Uint8Array, share: Share) => [
    ...generators.map((generator) => generatorDrawer(generator, seed, share)),
    ...dataSets.map((dataSet) => dataSetDrawer(dataSet, seed, share)),
  ];
  return {
    selection: parsed,
    taskIds,
    roundItems: (seed, count) => itemSet(drawersOf(seed, 'training'), count),
    heldOutItems: (count) => itemSet(drawersOf(HELD_OUT_SEED, 'held-out'), count),
  };
}

/** A checkpoint learns other tasks than those that were opened. */
export class OtherTasksError extends Error {
  override readonly name = 'OtherTasksError';
}

/** Throws OtherTasksError when the source was opened for other tasks than these. */
export function requireSelection(tasks: TaskSource, selection: TaskSelection): void {
  const same = JSON.stringify(tasks.selection) === JSON.stringify(parseTaskSelection(selection));
  if (!same) {
    throw new OtherTasksError(
      'The checkpoint learns other tasks than those that were opened: open the tasks of the checkpoint, or ' +
        'start from the published model again.',
    );
  }
}
