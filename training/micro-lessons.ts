/** What the micro model is taught, and how. */
import type { DecoderConfig } from '../models/decoder/config.ts';
import type { Lesson, MicroRecipe } from './micro-pretraining.ts';
import { TASKS } from './tasks/catalogue.ts';
import { must } from '../protocol/must.ts';

/** The built-in model of the words format: about 1.7 M parameters. */
export const MICRO_CONFIG: DecoderConfig = {
  hiddenSize: 192,
  layers: 4,
  heads: 4,
  kvHeads: 2,
  headDim: 48,
  feedForward: 512,
  vocabulary: 384,
  context: 288,
  ropeTheta: 10000,
  normEpsilon: 1e-6,
  tiedEmbedding: true,
};

export const MICRO_RECIPE: MicroRecipe = {
  seed: 'starling micro, first edition',
  config: MICRO_CONFIG,
  steps: 5000,
  batch: 32,
  learningRate: 2e-3,
  warmup: 30,
  decay: 1000,
  deviation: 0.05,
};

const TAUGHT: readonly (readonly [task: string, difficulties: readonly number[], weight: number])[] = [];

export const MICRO_LESSONS: readonly Lesson[] = TAUGHT.map(([id, difficulties, weight]) => ({
  task: must(TASKS, TASKS.findIndex((task) => task.id === id)),
  difficulties,
  weight,
}));
