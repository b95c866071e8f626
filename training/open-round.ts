import { RandomStream, type StreamPurpose } from '../protocol/philox.ts';
import type { RoundContext } from '../protocol/trainer.ts';
import type { LearningSettings } from './learning-settings.ts';
import { seedBytes } from './round-seed.ts';
import { roundItems } from './tasks/item-sets.ts';
import type { TaskItem } from './tasks/task.ts';

/** One device's view of one round. All of it follows from the round's context and the device's settings. */
export interface Round {
  readonly context: RoundContext;
  readonly settings: LearningSettings;
  /** The items that every device answers in this round. */
  readonly items: readonly TaskItem[];
  /** The stream of this device's random draws for one purpose. */
  stream(purpose: StreamPurpose): RandomStream;
}

/** Draws the round's items. Throws SeedError when the context's seed is not 32 bytes. */
export function openRound(context: RoundContext, settings: LearningSettings): Round {
  const seed = seedBytes(context.seed);
  return {
    context,
    settings,
    items: roundItems(seed, settings.itemsPerRound, settings.plan),
    stream: (purpose) => RandomStream.named({ seed, round: context.round, device: context.device, purpose }),
  };
}
