import type { DeviceAddress } from '../protocol/hex.ts';
import { must } from '../protocol/must.ts';
import { type DrawSequence, RandomStream, type StreamPurpose } from '../protocol/philox.ts';
import type { RoundContext } from '../protocol/trainer.ts';
import type { LearningSettings } from './learning-settings.ts';
import { seedBytes } from './round-seed.ts';
import type { TaskItem } from './tasks/task.ts';
import { requireSelection, type TaskSource } from './tasks/task-source.ts';

/** One device's view of one round. All of it follows from the round's context and the device's settings. */
export interface Round {
  readonly context: RoundContext;
  readonly settings: LearningSettings;
  readonly tasks: TaskSource;
  /** The round's pool of items, the same for every device. */
  readonly items: readonly TaskItem[];
  /**
   * The indices of the items that a device answers in this round, ascending. Its answers to others do not
   * count.
   */
  drawOf(device: DeviceAddress): readonly number[];
  /** The stream of this device's random draws for one purpose. */
  stream(purpose: StreamPurpose): RandomStream;
}

/**
 * Draws the round's items. Throws SeedError when the context's seed is not 32 bytes, and OtherTasksError
 * when `tasks` are not those of the settings.
 */
export function openRound(context: RoundContext, settings: LearningSettings, tasks: TaskSource): Round {
  requireSelection(tasks, settings.tasks);
  const seed = seedBytes(context.seed);
  const items = tasks.roundItems(seed, settings.itemsPerRound);
  const draws = new Map<DeviceAddress, readonly number[]>();
  return {
    context,
    settings,
    tasks,
    items,
    drawOf(device) {
      const known = draws.get(device);
      if (known !== undefined) return known;
      const stream = RandomStream.named({ seed, round: context.round, device, purpose: 'answering' });
      const drawn = drawItems(items, settings.itemsAnswered, stream.sequence(0));
      draws.set(device, drawn);
      return drawn;
    },
    stream: (purpose) => RandomStream.named({ seed, round: context.round, device: context.device, purpose }),
  };
}

/**
 * Draws `count` of the items. The tasks take turns, so that every device answers all of them. A smaller draw
 * is a part of a larger one.
 */
function drawItems(items: readonly TaskItem[], count: number, draws: DrawSequence): readonly number[] {
  const ofTask = new Map<string, number>();
  return draws
    .shuffle(items.map((_, index) => index))
    .map((index) => {
      const { task } = must(items, index);
      const turn = ofTask.get(task) ?? 0;
      ofTask.set(task, turn + 1);
      return { index, turn };
    })
    .sort((a, b) => a.turn - b.turn)
    .slice(0, count)
    .map(({ index }) => index)
    .sort((a, b) => a - b);
}
