import { type DecoderConfig, NANO_CONFIG } from '../../models/decoder/config.ts';
import { initialParameters } from '../../models/decoder/initialize.ts';
import type { NamedTensors } from '../../models/decoder/state.ts';
import { RandomStream } from '../../protocol/philox.ts';
import { DEFAULT_SETTINGS, type LearningSettings } from '../learning-settings.ts';
import { openTasks } from '../tasks/task-source.ts';

/** The nano model's shape, but so narrow that the reference engine trains it in a moment. */
export const NARROW_CONFIG: DecoderConfig = {
  ...NANO_CONFIG,
  hiddenSize: 8,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headDim: 4,
  feedForward: 8,
};

/** A round that the reference engine trains in a moment. */
export const NARROW_SETTINGS: LearningSettings = {
  ...DEFAULT_SETTINGS,
  itemsPerRound: 8,
  itemsAnswered: 4,
  samplesPerItem: 2,
  mix: { own: 1, foreign: 2 },
  stepsPerRound: 1,
  practicePrompts: 1,
  heldOutItems: 4,
  learningRate: 1e-2,
  warmupSteps: 0,
  fullBatch: 1,
  // Random weights are hardly ever right, and shall learn from that.
  successesOnly: 'foreign',
  // And find every token unlikely.
  foreignFloor: 'none',
};

/** The tasks of these settings. */
export const NARROW_TASKS = await openTasks(NARROW_SETTINGS.tasks, new Map());

/** Random weights of the narrow model. They follow from `seed`. */
export function narrowParameters(seed: string): NamedTensors {
  const stream = RandomStream.named({
    seed: new TextEncoder().encode(seed),
    round: 0,
    device: '',
    purpose: 'initialisation',
  });
  return initialParameters({
    config: NARROW_CONFIG,
    draw: (tensor, element, part) => stream.word(tensor, element, part),
    deviation: 0.2,
  });
}
