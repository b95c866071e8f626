/**
 * Makes the nano model from a seed: supervised learning of the three forms of prompts.ts, stopped early so that
 * reinforcement has room. The same bits on every machine.
 */
import type { Engine } from '../compute/engines/engine.ts';
import { NANO_CONFIG } from '../models/decoder/config.ts';
import { DEFAULT_OPTIMIZER } from '../models/decoder/decoder.ts';
import { initialParameters } from '../models/decoder/initialize.ts';
import { ModelSession } from '../models/decoder/session.ts';
import { type DrawSequence, RandomStream } from '../protocol/philox.ts';
import { type Codec, promptTokens } from './codec.ts';
import { mistake } from './mistakes.ts';
import { answerPrompt, correctPrompt, judgePrompt } from './prompts.ts';
import { type Row, supervisedBatch } from './sequences.ts';
import { DEFAULT_SETTINGS } from './settings.ts';
import { taskNamed } from './tasks/catalogue.ts';
import type { TaskName } from './tasks/task.ts';

/** What decides the result, together with the code. */
export interface Recipe {
  /** Any text. */
  readonly seed: string;
  readonly steps: number;
  readonly batch: number;
  /** The highest learning rate: reached after `warmup` steps, then falling in a straight line to a twentieth. */
  readonly learningRate: number;
  readonly warmup: number;
  /** Standard deviation of a fresh matrix. */
  readonly deviation: number;
}

export const NANO_RECIPE: Recipe = {
  seed: 'starling nano, first edition',
  steps: 640,
  batch: 64,
  learningRate: 3e-3,
  warmup: 30,
  deviation: 0.1,
};

/** A second moment with a shorter memory than later training has: the gradients change fast here. */
const OPTIMIZER = { ...DEFAULT_OPTIMIZER, beta2: 0.95 };

/** How often each task comes: the harder to learn, the more. */
const TASK_MIX: readonly TaskName[] = ['sums', 'sums', 'sums', 'sorting', 'gcd', 'gcd', 'reversing'];

/** The shares of the answer and judge forms; correcting has the rest. */
const ANSWERING = 0.5;
const JUDGING = 0.3;

interface Lesson {
  readonly prompt: string;
  readonly completion: string;
}

/** One example, from training questions alone. */
export function lesson(seed: Uint8Array, index: number, draws: DrawSequence): Lesson {
  const name = draws.pick(TASK_MIX);
  const difficulty = draws.pick(DEFAULT_SETTINGS.plan[name]);
  const { prompt, answer } = taskNamed(name).sample({ seed, index, difficulty });
  const form = draws.uniform();
  if (form < ANSWERING) return { prompt: answerPrompt(prompt), completion: answer };
  const shown = draws.uniform() < 0.5 ? answer : mistake(answer, draws);
  if (form < ANSWERING + JUDGING) return { prompt: judgePrompt(prompt, shown), completion: answer };
  // A critic is often wrong: a corrector that only repeats it learns nothing.
  const critique = draws.uniform() < 0.6 ? answer : mistake(answer, draws);
  return { prompt: correctPrompt(prompt, shown, critique), completion: answer };
}

/** The learning rate of step 0 .. steps - 1; only exactly rounded operations, so the same everywhere. */
export function learningRateAt(recipe: Recipe, step: number): number {
  const rising = Math.min(1, (step + 1) / recipe.warmup);
  return recipe.learningRate * rising * (1 - (0.95 * step) / recipe.steps);
}

export interface PretrainOptions {
  readonly engine: Engine;
  readonly codec: Codec;
  readonly recipe: Recipe;
  /** Stops here although the learning rate is planned for `recipe.steps`. */
  readonly stopAfter?: number;
  readonly onStep?: (step: number, loss: number) => void;
}

/** A session of the nano model, pretrained. The caller disposes of it. */
export async function pretrain(options: PretrainOptions): Promise<ModelSession> {
  const { engine, codec, recipe } = options;
  const seed = new TextEncoder().encode(recipe.seed);
  const initialisation = RandomStream.named({ seed, round: 0, device: '', purpose: 'initialisation' });
  const lessons = RandomStream.named({ seed, round: 0, device: '', purpose: 'pretraining' });
  const session = await ModelSession.create({
    engine,
    config: NANO_CONFIG,
    parameters: initialParameters({
      config: NANO_CONFIG,
      draw: (tensor, element, part) => initialisation.word(tensor, element, part),
      deviation: recipe.deviation,
    }),
    optimizer: OPTIMIZER,
  });
  const steps = Math.min(recipe.steps, options.stopAfter ?? recipe.steps);
  for (let step = 0; step < steps; step++) {
    const rows = Array.from({ length: recipe.batch }, (_, row): Row => {
      const { prompt, completion } = lesson(seed, step * recipe.batch + row, lessons.sequence(step, row));
      return {
        prompt: promptTokens(codec, prompt),
        completion: [...codec.encode(completion), codec.endToken],
      };
    });
    const { loss } = await session.step(supervisedBatch(rows, learningRateAt(recipe, step)));
    options.onStep?.(step, loss);
  }
  return session;
}
