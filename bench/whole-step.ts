/**
 * A whole optimizer step against the sum of its products, and hashing its results against the step, in one
 * run an engine.
 */

import type { Engine } from '../compute/engines/engine.ts';
import { canHash } from '../compute/engines/hashing.ts';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import { type DecoderConfig, NANO_CONFIG } from '../models/decoder/config.ts';
import { type Benchmark, type BenchmarkContext, compared, type Measurement } from './benchmark.ts';
import { gpuEngine } from './gpu.ts';
import { interleave } from './interleave.ts';
import {
  MEDIUM_CONFIG,
  productOperations,
  productsOf,
  programContestant,
  stepProgram,
} from './step-parts.ts';

interface Model {
  readonly name: string;
  readonly config: DecoderConfig;
  readonly batch: number;
  readonly length: number;
}

const NANO: Model = { name: 'nano-16x32', config: NANO_CONFIG, batch: 16, length: 32 };
const MEDIUM: Model = { name: '512x4-2x128', config: MEDIUM_CONFIG, batch: 2, length: 128 };
/** Rounds of the medium model are seconds long on a processor. */
const ROUNDS = { rounds: 3, turnMs: 100 };

export const wholeStep: Benchmark = {
  name: 'whole-step',
  async *run(context) {
    const wasm = await createWasmEngine({ threads: 2 });
    yield* measured('wasm-2', wasm, [NANO, MEDIUM], context);
    const gpu = await gpuEngine(context);
    // A software GPU takes minutes for the medium model.
    if (gpu !== undefined) {
      yield* measured(gpu.name, gpu.engine, gpu.software ? [NANO] : [NANO, MEDIUM], context);
    }
  },
};

async function* measured(
  name: string,
  engine: Engine,
  models: readonly Model[],
  context: BenchmarkContext,
): AsyncIterable<Measurement> {
  try {
    for (const model of models) yield* compare(name, engine, model, context);
  } finally {
    await engine.stop();
  }
}

async function* compare(
  name: string,
  engine: Engine,
  { name: model, config, batch, length }: Model,
  context: BenchmarkContext,
): AsyncIterable<Measurement> {
  const step = stepProgram(config, batch, length);
  const whole = programContestant('whole step', engine, step);
  const products = programContestant('products', engine, productsOf(step));
  // What a checkpoint commits to: parameters and both moments, which are the tensors that AdamW writes.
  const state = step.nodes
    .filter(({ op }) => op === 'adamw')
    .flatMap(({ outputs }) => outputs)
    .map((output) => whole.bindings[output])
    .filter((tensor) => tensor !== undefined);
  const hash = {
    name: 'hash',
    run: async () => void (canHash(engine) && (await engine.hash(state))),
  };
  try {
    const contestants = canHash(engine) ? [whole, products, hash] : [whole, products];
    const [wholeMs = Number.NaN, productsMs = Number.NaN, hashMs] = await interleave(contestants, {
      ...ROUNDS,
      signal: context.signal,
    });
    yield compared(`whole-step/${name}/${model}`, 'ms', wholeMs, {
      name: 'the step’s products alone',
      value: productsMs,
    });
    const rate = productOperations(step) / productsMs / 1e6;
    yield compared(`whole-step/${name}/${model}/products`, 'GFLOP/s', rate);
    if (hashMs !== undefined) {
      yield compared(`whole-step/${name}/${model}/hash`, 'ms', hashMs, {
        name: 'the whole step',
        value: wholeMs,
      });
    }
  } finally {
    whole.close();
    products.close();
  }
}
