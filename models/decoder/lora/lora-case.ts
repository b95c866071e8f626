/** A fixed run of adapter training, with which conformance compares engines. */

import type { Engine } from '../../../compute/engines/engine.ts';
import type { Hex } from '../../../protocol/hex.ts';
import { must } from '../../../protocol/must.ts';
import { philox4x32 } from '../../../protocol/philox.ts';
import type { DecoderConfig } from '../config.ts';
import { FrozenSession } from '../frozen-session.ts';
import { initialParameters } from '../initialize.ts';
import { memoryWeights } from '../weights.ts';
import { adapterRoot } from './adapter-state.ts';
import { DEFAULT_LORA, initialAdapters, type LoraOptions } from './adapters.ts';
import { frozenRoot } from './frozen-root.ts';

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
  /** 32 bits. Every draw follows from it. */
  readonly seed: number;
  /** Defaults to 5. */
  readonly steps?: number;
  readonly config?: DecoderConfig;
  readonly lora?: LoraOptions;
  /** Defaults to 2. */
  readonly batch?: number;
  /** Defaults to 16. */
  readonly length?: number;
  readonly recompute?: boolean;
}

export interface LoraCaseResult {
  /** Root of adapters, moments and step, and of the frozen weights' root. */
  readonly root: Hex;
  readonly losses: readonly number[];
}

/**
 * Draws a frozen model and adapters from `seed` by Philox, and trains the adapters. Every step has the same
 * tokens, so the loss falls. Every engine that keeps RepOps gives the same root.
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
    recompute: options.recompute,
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

/**
 * `initialParameters` with one Philox block for all four draws of an element, which is a quarter of the work.
 */
function cheapParameters(config: DecoderConfig, seed: number): Map<string, Float32Array> {
  let last: { tensor: number; element: number; block: readonly number[] } | undefined;
  return initialParameters({
    config,
    draw: (tensor, element, part) => {
      if (last?.tensor !== tensor || last.element !== element) {
        last = { tensor, element, block: philox4x32([tensor, element, 0, 0], [seed, 0]) };
      }
      return must(last.block, part);
    },
  });
}
