/** What the micro model is taught, and how. */
import type { DecoderConfig } from '../models/decoder/config.ts';
import { must } from '../protocol/must.ts';
import type { Lesson, MicroRecipe } from './micro-pretraining.ts';
import { TASKS } from './tasks/catalogue.ts';

/** The built-in model of the words format: about 1.7 M parameters. */
export const MICRO_CONFIG: DecoderConfig = {
  hiddenSize: 192,
  layers: 4,
  heads: 4,
  kvHeads: 2,
  headDim: 48,
  feedForward: 512,
  vocabulary: 392,
  context: 256,
  ropeTheta: 10000,
  normEpsilon: 1e-6,
  tiedEmbedding: true,
};

export const MICRO_RECIPE: MicroRecipe = {
  seed: 'starling micro, first edition',
  config: MICRO_CONFIG,
  steps: 2400,
  batch: 32,
  learningRate: 1.5e-3,
  warmup: 30,
  decay: 250,
  deviation: 0.06,
};

/** The easier half of each task, so that answers are short. */
const TAUGHT: readonly (readonly [task: string, difficulties: readonly number[], weight: number])[] = [
  ['chain-sums', [0, 1, 1, 2], 2],
  ['stories', [0, 1, 2], 2],
  ['spell-backward', [0, 1], 1],
  ['letter-counting', [0, 1], 1],
  ['sort-numbers', [0, 1], 1],
  ['sequences', [0, 1], 1],
  ['remainders', [0, 1], 2],
  ['calendar', [0, 1], 1],
  ['equations', [0, 1, 1], 2],
];

export const MICRO_LESSONS: readonly Lesson[] = TAUGHT.map(([id, difficulties, weight]) => ({
  task: must(
    TASKS,
    TASKS.findIndex((task) => task.id === id),
  ),
  difficulties,
  weight,
}));
