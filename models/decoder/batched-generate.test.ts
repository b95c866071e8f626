import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../compute/engines/engine.ts';
import { createReferenceEngine } from '../../compute/engines/reference.ts';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { philox4x32 } from '../../protocol/philox.ts';
import { type DecoderConfig, NANO_CONFIG } from './config.ts';
import { FrozenSession } from './frozen-session.ts';
import type { GenerateOptions, Generation } from './generate.ts';
import { batchSizes, rowBytes } from './generate-sizes.ts';
import { initialParameters } from './initialize.ts';
import { initialAdapters, type LoraOptions, PROJECTIONS } from './lora/adapters.ts';
import { predictFrozenMemory } from './memory.ts';
import { ModelSession } from './model-session.ts';
import { distinctPrompts } from './prompt-caches.ts';
import { memoryWeights } from './weights.ts';

const QWEN: DecoderConfig = {
  hiddenSize: 16,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 4,
  feedForward: 24,
  vocabulary: 37,
  context: 160,
  ropeTheta: 10000,
  normEpsilon: 1e-6,
  tiedEmbedding: true,
};
const lora: LoraOptions = { rank: 2, alpha: 3, targets: PROJECTIONS };
const draw = (tensor: number, element: number, part: number) =>
  philox4x32([tensor, element, part, 5], [3, 4])[0];

interface Generator {
  generate(options: GenerateOptions): Promise<readonly Generation[]>;
}

const nano = (engine: Engine): Promise<Generator> =>
  ModelSession.create({
    engine,
    config: { ...NANO_CONFIG, vocabulary: 37 },
    parameters: initialParameters({ config: { ...NANO_CONFIG, vocabulary: 37 }, draw, deviation: 0.3 }),
  });
const qwen = (engine: Engine): Promise<Generator> =>
  FrozenSession.create({
    engine,
    config: QWEN,
    weights: memoryWeights(initialParameters({ config: QWEN, draw, deviation: 0.3 })),
    lora: { ...lora, adapters: initialAdapters({ config: QWEN, lora, draw }) },
  });

const prompt = (length: number, seed: number) => Array.from({ length }, (_, i) => (i * 5 + seed) % 37);
/** Four items of different lengths with three samples each, in turn and not. */
const items = [prompt(21, 1), prompt(3, 2), prompt(12, 3), prompt(21, 4)];
const prompts = [...items.flatMap((each) => [each, each]), ...items];
const uniform = (row: number, position: number) => (draw(row, position, 9) >>> 8) / 2 ** 24;
const options = { prompts, maxNewTokens: 4, endToken: 0, uniform };

let engines: readonly [Engine, Engine];
beforeAll(async () => {
  engines = [createReferenceEngine(), await createWasmEngine({ threads: 1 })];
});
afterAll(async () => {
  for (const engine of engines) await engine.stop();
});

describe.each([
  ['nano, all weights', nano],
  ['a Qwen2 shape, adapters beside bf16', qwen],
])('%s', (_, open) => {
  it('gives each row the bits that it has alone, however the rows share prompts and batches', async () => {
    const [reference, wasm] = engines;
    const model = await open(wasm);
    const together = await model.generate(options);
    const alone: Generation[] = [];
    for (const [row, each] of prompts.entries()) {
      const own = (_row: number, position: number) => uniform(row, position);
      alone.push(...(await model.generate({ ...options, prompts: [each], batch: 1, uniform: own })));
    }
    expect(together).toEqual(alone);
    for (const batch of [1, 5, 40]) expect(await model.generate({ ...options, batch })).toEqual(alone);
    expect(await model.generate({ ...options, prefill: false })).toEqual(alone);
    expect(await model.generate({ ...options, memory: 1 })).toEqual(alone);
    const again = await open(reference);
    expect(await again.generate({ ...options, batch: prompts.length })).toEqual(alone);
  });
});

it('hands each token to its own row when the rows run in several batches', async () => {
  const model = await nano(engines[1]);
  const seen: number[][] = prompts.map(() => []);
  const rows = await model.generate({ ...options, batch: 5, onToken: (row, id) => seen[row]?.push(id) });
  expect(seen).toEqual(rows.map(({ tokens }) => tokens));
});

it('copies prompts longer than one piece, and continues them behind the copies', async () => {
  const model = await qwen(engines[1]);
  const long = prompt(140, 7);
  const rows = { ...options, prompts: [long, prompt(5, 1), long, long], maxNewTokens: 8 };
  expect(await model.generate(rows)).toEqual(await model.generate({ ...rows, prefill: false }));
});

it('finds equal prompts wherever they stand', () => {
  expect(
    distinctPrompts([
      [1, 23],
      [12, 3],
      [1, 23],
      [1, 2, 3],
    ]),
  ).toEqual({
    prompts: [
      [1, 23],
      [12, 3],
      [1, 2, 3],
    ],
    ofRow: [0, 1, 0, 2],
  });
});

const QWEN_0_5B: DecoderConfig = {
  hiddenSize: 896,
  layers: 24,
  heads: 14,
  kvHeads: 2,
  headDim: 64,
  feedForward: 4864,
  vocabulary: 151_936,
  context: 32_768,
  ropeTheta: 1e6,
  normEpsilon: 1e-6,
  tiedEmbedding: true,
};

describe('the rows of a batch', () => {
  const rows = (count: number, length: number, memory?: number) =>
    batchSizes(QWEN_0_5B, {
      prompts: Array.from({ length: count }, () => prompt(length, 1)),
      maxNewTokens: 64,
      ...(memory === undefined ? {} : { memory }),
    }).batch;

  it('are as many as fit, in whole eights, and at least one', () => {
    expect(rows(16, 100)).toBe(16);
    expect(rows(1000, 100)).toBeGreaterThanOrEqual(32);
    expect(rows(1000, 100) % 8).toBe(0);
    expect(rows(1000, 100, 1 << 28)).toBeLessThan(rows(1000, 100));
    expect(rows(16, 100, 1 << 20)).toBe(1);
    const five = 5.5 * rowBytes(QWEN_0_5B, 192, 100);
    expect(rows(16, 100, five)).toBe(5);
  });

  it.each([
    [16, 100, 64],
    [8, 20, 300],
    [64, 500, 16],
  ])(
    'take at least what is predicted of their programs: %i rows, prompts of %i and %i new tokens',
    (batch, length, fresh) => {
      const predicted = predictFrozenMemory(QWEN_0_5B, {
        positions: length + fresh,
        generate: { batch, positions: length + fresh, prompt: length },
      });
      const cacheLength = Math.ceil((length + fresh) / 64) * 64;
      const estimate = batch * rowBytes(QWEN_0_5B, cacheLength, length);
      expect(estimate).toBeGreaterThan(0.95 * (predicted.bound + predicted.activations));
      expect(estimate).toBeLessThan(1.15 * (predicted.bound + predicted.activations));
    },
  );
});
