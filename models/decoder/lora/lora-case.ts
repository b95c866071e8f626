/** A fixed run of adapter training, the same on every engine: what conformance compares. */

import type { Engine } from '../../../compute/engines/engine.ts';
import type { Hex } from '../../../protocol/hex.ts';
import { philox4x32 } from '../../../protocol/philox.ts';
import type { DecoderConfig } from '../config.ts';
import { FrozenSession } from '../frozen-session.ts';
import { initialParameters } from '../initialize.ts';
import { memoryWeights } from '../weights.ts';
import { DEFAULT_LORA, initialAdapters, type LoraOptions } from './adapters.ts';
import { frozenRoot } from './frozen-root.ts';
import { adapterRoot } from './state.ts';

/** 10.0 M parameters in Qwen2's shape: the real head size, grouped keys, biases and a tied embedding. */
export const LORA_CASE_CONFIG: DecoderConfig = {
  hiddenSize: 256,
  layers: 8,
  heads: 4,
  kvHeads: 2,
  headDim: 64,
  feedForward: 1024,
  vocabulary: 8192,
  context: 64,
  ropeTheta: 1000000,
  normEpsilon: 1e-6,
  tiedEmbedding: true,
};

export interface LoraCaseOptions {
  readonly engine: Engine;
  /** 32 bits; everything is drawn from it. */
  readonly seed: number;
  /** 5 unless given. */
  readonly steps?: number;
  readonly config?: DecoderConfig;
  readonly lora?: LoraOptions;
  /** 2 rows of 16 tokens unless given. */
  readonly batch?: number;
  readonly length?: number;
  readonly recompute?: boolean;
}

export interface LoraCaseResult {
  /** Of adapters, moments and step, over the frozen weights' root. */
  readonly root: Hex;
  readonly losses: readonly number[];
}

/**
 * Draws a frozen model and adapters from `seed` by Philox and trains the adapters; the tokens to learn are the same each step, so
 * the loss falls. The root is one and the same on every engine that keeps RepOps.
 */
export async function runLoraCase(options: LoraCaseOptions): Promise<LoraCaseResult> {
  const { engine, seed, steps = 5, config = LORA_CASE_CONFIG, batch = 2, length = 16 } = options;
  const lora = options.lora ?? DEFAULT_LORA;
  const draw = (stream: number) => (tensor: number, element: number, part: number) =>
    philox4x32([tensor, element, part, stream], [seed, 0])[0];
  const weights = memoryWeights(cheapParameters(config, seed));
  const adapters = initialAdapters({ config, lora, draw: draw(1) });
  const base = await frozenRoot(config, weights);
  const session = await FrozenSession.create({
    engine,
    config,
    weights,
    lora: { ...lora, adapters },
    ...(options.recompute === undefined ? {} : { recompute: options.recompute }),
  });
  try {
    const N = batch * length;
    const tokenAt = (i: number) => draw(2)(0, i, 0) % config.vocabulary;
    const tokens = Array.from({ length: N }, (_, i) => tokenAt(i));
    const losses: number[] = [];
    for (let step = 0; step < steps; step++) {
      const result = await session.step({
        batch,
        length,
        tokens,
        targets: tokens.map((_, i) => tokenAt(i + 1)),
        weights: new Array<number>(N).fill(1 / N),
        learningRate: 1e-3,
      });
      losses.push(result.loss);
    }
    const root = adapterRoot({ config, lora, base, state: await session.snapshot() });
    return { root, losses };
  } finally {
    await session.dispose();
  }
}

/** `initialParameters` with one Philox block for the four draws of an element, a quarter of the work. */
function cheapParameters(config: DecoderConfig, seed: number): Map<string, Float32Array> {
  let last: { tensor: number; element: number; block: readonly number[] } | undefined;
  return initialParameters({
    config,
    draw: (tensor, element, part) => {
      if (last?.tensor !== tensor || last.element !== element) {
        last = { tensor, element, block: philox4x32([tensor, element, 0, 0], [seed, 0]) };
      }
      return last.block[part] ?? 0;
    },
  });
}
