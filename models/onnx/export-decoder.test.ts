/**
 * Our forward pass against onnxruntime-web running the exported file: another implementation of every
 * operator. With operands rounded as RepOps rounds them, what is left is the order of sums and the last bits
 * of exp, rsqrt and sigmoid; such a difference of some 2^-23 seldom moves a value over a rounding boundary of
 * bf16, and where it does, by one part in 2^8 of one term of one product. So most logits are equal to within
 * f32 rounding, and a mistake in the graph or in our operators shows in all.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../compute/engines/engine.ts';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import type { DecoderConfig } from '../decoder/config.ts';
import type { Arithmetic } from './decoder-graph.ts';
import { exportDecoder } from './export-decoder.ts';
import { readInstalledWasm } from './node-wasm.ts';
import { type KeyValueCache, OnnxDecoder } from './onnx-decoder.ts';
import { concatenated } from './protobuf.ts';
import { loadRuntime, type OnnxRuntime } from './runtime.ts';
import { engineLogits } from './testing/engine-logits.ts';
import { LLAMA_TINY, QWEN2_TINY, randomModel, randomTokens, type TestModel } from './testing/models.ts';
import { trainedNano } from './testing/trained-nano.ts';

const ROWS = 4;
const LENGTH = 37;

let engine: Engine;
let runtime: OnnxRuntime;
beforeAll(async () => {
  engine = await createWasmEngine({ threads: 1 });
  runtime = await loadRuntime(await readInstalledWasm());
});
afterAll(() => engine.stop());

async function withDecoder<T>(
  model: TestModel,
  arithmetic: Arithmetic,
  use: (decoder: OnnxDecoder) => Promise<T>,
): Promise<T> {
  const decoder = await OnnxDecoder.open(runtime, concatenated(exportDecoder({ ...model, arithmetic })));
  try {
    return await use(decoder);
  } finally {
    await decoder.close();
  }
}

/** How far apart two lists of logits are, in units of the first's root mean square. */
function distance(ours: Float32Array, theirs: Float32Array) {
  expect(theirs.length).toBe(ours.length);
  const square = (values: Iterable<number>) => [...values].reduce((sum, x) => sum + x * x, 0) / ours.length;
  const scale = Math.sqrt(square(ours));
  const differences = Array.from(ours, (x, i) => Math.abs(x - (theirs[i] ?? Number.NaN)) / scale);
  return {
    rms: Math.sqrt(square(differences)),
    largest: differences.reduce((a, b) => Math.max(a, b)),
    /** Share of the logits that f32 rounding alone explains: 64 half-ulps. */
    close: differences.filter((d) => d < 2 ** -18).length / ours.length,
  };
}

const MODELS: readonly (readonly [string, () => TestModel])[] = [
  ['the trained nano model', trainedNano],
  ['a Qwen2 shape', () => randomModel(QWEN2_TINY)],
  ['a Llama shape, interleaved rotary pairs', () => randomModel(LLAMA_TINY)],
  ['a Llama shape, rotary halves', () => randomModel({ ...LLAMA_TINY, ropeInterleaved: false })],
];

describe.each(MODELS)('%s', (_, make) => {
  const model = make();
  const tokens = randomTokens(model.config.vocabulary, ROWS, LENGTH);
  let ours: Float32Array;
  beforeAll(async () => {
    ours = await engineLogits({ engine, ...model, tokens });
  });

  test('rounded operands: mostly the same logits; plain f32: the distance that rounding makes', async () => {
    const [rounded, plain] = [
      await withDecoder(model, 'bf16-operands', (decoder) => decoder.forward({ tokens })),
      await withDecoder(model, 'f32', (decoder) => decoder.forward({ tokens })),
    ].map(({ logits }) => distance(ours, logits));
    expect(rounded?.close).toBeGreaterThan(0.3);
    expect(rounded?.rms).toBeLessThan(2 ** -9);
    expect(rounded?.largest).toBeLessThan(2 ** -5);
    // Each of a product's two operands is off by up to 2^-9 of itself; nine products in a row and a softmax
    // make some 2^-6.
    expect(plain?.rms).toBeLessThan(2 ** -5);
    expect(plain?.largest).toBeLessThan(2 ** -2);
    expect((plain?.rms ?? 0) / (rounded?.rms ?? 1)).toBeGreaterThan(8);
  });

  test.each(['f32', 'bf16-operands'] as const)(
    'the cache, token by token and in pieces: %s',
    async (arithmetic) => {
      await withDecoder(model, arithmetic, async (decoder) => {
        const { logits: whole } = await decoder.forward({ tokens });
        for (const piece of [1, 16]) {
          const width = decoder.vocabulary;
          const pieced = new Float32Array(whole.length);
          let cache: KeyValueCache | undefined;
          for (let at = 0; at < LENGTH; at += piece) {
            const fed = tokens.map((row) => row.slice(at, at + piece));
            const step = await decoder.forward({ tokens: fed, cache });
            cache = step.cache;
            const length = fed[0]?.length ?? 0;
            for (let row = 0; row < ROWS; row++) {
              const part = step.logits.subarray(row * length * width, (row + 1) * length * width);
              pieced.set(part, (row * LENGTH + at) * width);
            }
          }
          expect(distance(whole, pieced).largest).toBeLessThan(arithmetic === 'f32' ? 2 ** -16 : 2 ** -5);
        }
      });
    },
  );
});

const WRONG: readonly (readonly [string, (config: DecoderConfig) => DecoderConfig])[] = [
  ['another epsilon', (config) => ({ ...config, normEpsilon: config.normEpsilon * 100 })],
  ['another rotary base', (config) => ({ ...config, ropeTheta: config.ropeTheta * 1.01 })],
  ['the other rotary pairs', (config) => ({ ...config, ropeInterleaved: true })],
  ['other groups of heads', (config) => ({ ...config, heads: 3, kvHeads: 1, headDim: 36 })],
];

test.each(WRONG)('the check sees %s', async (_, change) => {
  const { parameters } = randomModel(QWEN2_TINY);
  const tokens = randomTokens(QWEN2_TINY.vocabulary, ROWS, LENGTH);
  const ours = await engineLogits({ engine, config: QWEN2_TINY, parameters, tokens });
  const other = { config: change(QWEN2_TINY), parameters };
  const { logits } = await withDecoder(other, 'bf16-operands', (decoder) => decoder.forward({ tokens }));
  const apart = distance(ours, logits);
  expect(apart.close).toBeLessThan(0.3);
  expect(apart.rms).toBeGreaterThan(2 ** -9);
});

test('equal models give equal bytes, and the weights are in them as the checkpoint has them', () => {
  const model = randomModel(LLAMA_TINY);
  const bytes = Buffer.concat(exportDecoder({ ...model, arithmetic: 'f32' }));
  expect(bytes.equals(Buffer.concat(exportDecoder({ ...model, arithmetic: 'f32' })))).toBe(true);
  for (const [name, values] of model.parameters) {
    expect(bytes.includes(Buffer.from(values.buffer, values.byteOffset, values.byteLength)), name).toBe(true);
  }
});
