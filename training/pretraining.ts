/**
 * Makes the nano model from a seed by supervised learning of the three prompt forms. Training stops early, so
 * that reinforcement learning has something left to improve. Every machine gets the same bits.
 */
import type { Engine } from '../compute/engines/engine.ts';
import { NANO_CONFIG } from '../models/decoder/config.ts';
import type { ModelSession } from '../models/decoder/model-session.ts';
import { type DrawSequence, RandomStream } from '../protocol/philox.ts';
import { type CompletionTokenizer, promptTokens } from './completion-tokenizer.ts';
import { mistake } from './mistakes.ts';
import { answerPrompt, correctPrompt, judgePrompt } from './prompts.ts';
import type { Row } from './sequences.ts';
import { runSupervised } from './supervised-run.ts';
import { chosenGenerator, NANO_SELECTION } from './tasks/catalogue.ts';

/** With the code, this decides the result. */
export interface Recipe {
  /** Any text. Every random draw follows from it. */
  readonly seed: string;
  readonly steps: number;
  readonly batch: number;
  /** The peak learning rate. It is reached after `warmup` steps and then falls linearly to a twentieth. */
  readonly learningRate: number;
  readonly warmup: number;
  /** Standard deviation of an initial matrix. */
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

/** Draw weights of the tasks: harder tasks come more often. */
const TASK_MIX = ['sums', 'sums', 'sums', 'sorting', 'gcd', 'gcd', 'reversing'];

/** Shares of the answer and judge forms. The correct form has the rest. */
const ANSWERING = 0.5;
const JUDGING = 0.3;

export interface TrainingExample {
  readonly prompt: string;
  readonly completion: string;
}

/** One example. It comes from a training question, never from a held-out one. */
export function trainingExample(seed: Uint8Array, index: number, draws: DrawSequence): TrainingExample {
  const name = draws.pick(TASK_MIX);
  const { task, difficulties } = chosenGenerator(NANO_SELECTION, name);
  const { prompt, answer } = task.sample({ seed, index, difficulty: draws.pick(difficulties) });
  const form = draws.uniform();
  if (form < ANSWERING) return { prompt: answerPrompt(prompt), completion: answer };
  const shown = draws.uniform() < 0.5 ? answer : mistake(answer, draws);
  if (form < ANSWERING + JUDGING) return { prompt: judgePrompt(prompt, shown), completion: answer };
  // The critique is often wrong, because a corrector that only repeats it would learn nothing.
  const critique = draws.uniform() < 0.6 ? answer : mistake(answer, draws);
  return { prompt: correctPrompt(prompt, shown, critique), completion: answer };
}

/**
 * The learning rate of step 0 to steps - 1. Every operation is exactly rounded, so every machine gets the
 * same.
 */
function learningRateAt(recipe: Recipe, step: number): number {
  const rising = Math.min(1, (step + 1) / recipe.warmup);
  return recipe.learningRate * rising * (1 - (0.95 * step) / recipe.steps);
}

export interface PretrainOptions {
  readonly engine: Engine;
  readonly tokenizer: CompletionTokenizer;
  readonly recipe: Recipe;
  /**
   * Stops after this many steps, with the learning rates planned for `recipe.steps`. Defaults to
   * `recipe.steps`.
   */
  readonly stopAfter?: number;
  /** The example of that index. Defaults to `trainingExample`. */
  readonly example?: (seed: Uint8Array, index: number, draws: DrawSequence) => TrainingExample;
  readonly onStep?: (step: number, loss: number) => void;
  /** Stops after a step for which this is true. `steps` counts the steps taken. Defaults to false. */
  readonly stopWhen?: (session: ModelSession, steps: number) => Promise<boolean>;
}

/** Pretrains the nano model. The caller disposes of the session. */
export async function pretrain(options: PretrainOptions): Promise<ModelSession> {
  const { engine, tokenizer, recipe, example = trainingExample } = options;
  const seed = new TextEncoder().encode(recipe.seed);
  const examples = RandomStream.named({ seed, round: 0, device: '', purpose: 'pretraining' });
  return runSupervised({
    engine,
    plan: {
      config: NANO_CONFIG,
      seed: recipe.seed,
      steps: recipe.steps,
      deviation: recipe.deviation,
      learningRateAt: (step) => learningRateAt(recipe, step),
      rowsAt: (step) =>
        Array.from({ length: recipe.batch }, (_, row): Row => {
          const index = step * recipe.batch + row;
          const { prompt, completion } = example(seed, index, examples.sequence(step, row));
          return {
            prompt: promptTokens(tokenizer, prompt),
            completion: [...tokenizer.encode(completion), tokenizer.endToken],
          };
        }),
    },
    stopAfter: options.stopAfter,
    stopWhen: options.stopWhen,
    afterStep: ({ step, loss }) => options.onStep?.(step, loss),
  });
}
