import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../compute/engines/engine.ts';
import { createReferenceEngine } from '../../compute/engines/reference.ts';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { RandomStream } from '../../protocol/philox.ts';
import type { DecoderConfig } from '../decoder/config.ts';
import { adapterMetadata, freshAdapterState } from '../decoder/lora/adapter-state.ts';
import { DEFAULT_LORA, initialAdapters } from '../decoder/lora/adapters.ts';
import { memoryWeights } from '../decoder/weights.ts';
import { type BlockPlanOptions, blockBytes, blockPlan, headBlock, partBlocks } from './block-plan.ts';
import { type BlockStep, type BlockStepOptions, blockStep } from './block-step.ts';
import { frozenWeights } from './block-version.ts';
import { HopComputer } from './hop-computer.ts';
import { BlockRun } from './testing/block-run.ts';
import { microbatchData, nanoBatch, nanoStart, SMALL_QWEN2 } from './testing/nano-case.ts';
import { absenceBias, rowsOfTokens, vocabularyParts } from './vocabulary-part.ts';

const tied: DecoderConfig = { ...SMALL_QWEN2, layers: 2 };
const untied: DecoderConfig = { ...tied, tiedEmbedding: false };
const lora = DEFAULT_LORA;
const microbatches = { count: 2, batch: 2, length: 16 };
const stream = new RandomStream([6, 1]);

function planOf(config: DecoderConfig, vocabularyParts: number) {
  const options: BlockPlanOptions = {
    config,
    layers: [1, 1],
    weights: { frozen: true, lora },
    vocabularyParts,
  };
  return blockPlan(options);
}

function weightsOf(config: DecoderConfig) {
  return memoryWeights(nanoStart(config, 0.2).state.parameters);
}

let engines: Engine[] = [];
beforeAll(async () => {
  engines = [
    ...(await Promise.all([0, 1].map(() => createWasmEngine({ threads: 1 })))),
    createReferenceEngine(),
  ];
});
afterAll(() => Promise.all(engines.map((engine) => engine.stop())));

/** A run of some steps, with every hop on a device drawn for it. */
async function runOn(
  on: readonly Engine[],
  config: DecoderConfig,
  parts: number,
  o: { readonly steps: number } & Pick<BlockStepOptions, 'boundary' | 'paths' | 'objective'>,
): Promise<BlockRun & { readonly recipe: BlockStep }> {
  const plan = planOf(config, parts);
  const { paths, boundary, objective } = o;
  const step = blockStep({ plan, microbatches, paths, boundary, objective });
  const devices = on.map((engine) => new HopComputer({ engine, step }));
  const adapters = initialAdapters({ config, lora, draw: (...at) => stream.word(...at) });
  const run = await BlockRun.start(plan, {
    state: freshAdapterState(config, lora, adapters),
    weights: weightsOf(config),
    devices,
    place: ({ index }, at) => stream.word(at, index, on.length) % on.length,
  });
  for (let at = 0; at < o.steps; at++) {
    const rows = nanoBatch(microbatches, at, { config });
    const data = new Map(microbatchData(microbatches, rows, plan));
    if (objective === 'policy') {
      const { count, batch, length } = microbatches;
      for (let m = 0; m < count; m++) {
        const each = (name: string, least: number) =>
          data.set(
            `${name}.${m}`,
            Float32Array.from(
              { length: batch * length },
              (_, i) => least + (stream.word(at, m, i) % 64) / 64,
            ),
          );
        each('advantages', -0.5);
        each('oldLogprobs', -4.6);
      }
    }
    await run.step(step, data, rows.learningRate);
  }
  for (const device of devices) await device.dispose();
  return Object.assign(run, { recipe: step });
}

function floats(run: BlockRun, name: string): Float32Array {
  const bytes = run.tensors.get(name) ?? expect.fail(`there is no ${name}`);
  return new Float32Array(bytes.slice().buffer);
}

/** The largest difference over the largest magnitude. */
function difference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  const most = (values: Float32Array) => values.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
  return most(a.map((x, i) => x - (b[i] ?? Number.NaN))) / most(b);
}

describe('vocabularyParts', () => {
  it('[B-18] cuts a vocabulary as evenly as can be, with a row of zeros and whole folds in each part', () => {
    for (let at = 0; at < 300; at++) {
      const count = 1 + (stream.word(at, 1) % 16);
      const vocabulary = count + (stream.word(at, 2) % 3000);
      const parts = vocabularyParts(vocabulary, count);
      const owner = new Uint32Array(vocabulary);
      for (const { first, tokens, rows } of parts) {
        for (let id = first; id < first + tokens; id++) owner[id]! += 1;
        expect(rows % 64).toBe(0);
        expect(rows).toBeGreaterThan(tokens);
        expect(rows - tokens).toBeLessThanOrEqual(64);
      }
      expect(owner.every((times) => times === 1)).toBe(true);
      const sizes = parts.map(({ tokens }) => tokens);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }
    expect(() => vocabularyParts(4, 5)).toThrow(RangeError);
  });

  it('[B-19] gives each token to one part, and to others their first row of zeros', () => {
    const parts = vocabularyParts(61, 3);
    const ids = Uint32Array.from({ length: 61 }, (_, id) => id);
    const rows = parts.map((part) => rowsOfTokens(ids, part));
    for (const id of ids) {
      const own = parts.findIndex(({ first, tokens }) => id >= first && id < first + tokens);
      expect(rows.map((of) => of[id])).toEqual(
        parts.map(({ first, tokens }, k) => (k === own ? id - first : tokens)),
      );
    }
    const [part] = parts;
    expect([...absenceBias(part!)].map((x) => x === 0)).toEqual(
      Array.from({ length: 64 }, (_, row) => row < part!.tokens),
    );
  });
});

describe('a plan with the vocabulary in parts', () => {
  it.each([
    ['tied', tied, ['model.embed_tokens.weight']],
    ['untied', untied, ['model.embed_tokens.weight', 'lm_head.weight']],
  ])('[B-18] has a block for each part, and no device with a whole table: %s', async (_, config, tables) => {
    const plan = planOf(config, 3);
    expect(plan.blocks.map(({ id }) => id)).toEqual([
      ...['embedding', 'layers.0-0', 'layers.1-1', 'vocabulary.1', 'vocabulary.2'],
    ]);
    expect(headBlock(plan).parameters).toEqual(['model.norm.weight']);
    const table = 64 * 32 * 2 * tables.length;
    expect(plan.blocks.map((block) => blockBytes(plan, block))).toMatchObject([
      ...[32 * 4 + table, expect.anything(), expect.anything(), table, table],
    ]);
    const weights = weightsOf(config);
    for (const name of tables) {
      const whole = await weights.bfloat16(name);
      const joined: number[] = [];
      for (const block of partBlocks(plan)) {
        const { first, tokens } = block.part;
        const bytes = (await frozenWeights(plan, block, weights)).get(`${name}[${first}:${first + tokens}]`);
        const words = new Uint16Array(bytes!.slice().buffer);
        expect(words.length).toBe(64 * 32);
        joined.push(...words.subarray(0, tokens * 32));
        expect(words.subarray(tokens * 32).every((word) => word === 0)).toBe(true);
      }
      expect(Uint16Array.from(joined)).toEqual(whole);
    }
  });

  it.each<[string, Partial<BlockPlanOptions>, RegExp]>([
    ['no part', { vocabularyParts: 0 }, /1 to 16 parts, not 0/],
    ['half a part', { vocabularyParts: 1.5 }, /1 to 16 parts/],
    ['more parts than may be', { vocabularyParts: 17 }, /1 to 16 parts, not 17/],
    ['more parts than tokens', { config: { ...tied, vocabulary: 4 }, vocabularyParts: 5 }, /parts, not 5/],
    ['a table in training', { weights: { frozen: false } }, /in training is not cut/],
  ])('[B-18] is refused for %s', (_, change, message) => {
    const weights = { frozen: true, lora };
    const options = { config: tied, layers: [1, 1], weights, vocabularyParts: 2, ...change };
    expect(() => blockPlan(options)).toThrow(message);
  });
});

describe('a step with the vocabulary in parts', () => {
  it.each(['f32', 'bf16', 'int8'] as const)(
    '[B-18] looks tokens up with the bits of a whole table, and has its loss but for rounding: %s',
    async (boundary) => {
      for (const config of [tied, untied]) {
        const o = { steps: 1, boundary, paths: 'full' } as const;
        const whole = await runOn(engines.slice(0, 1), config, 1, o);
        for (const parts of [2, 3, 7]) {
          const cut = await runOn(engines.slice(0, 1), config, parts, o);
          for (const m of [0, 1]) {
            for (const name of [...whole.tensors.keys()]) {
              if (!name.startsWith(`activation.${m}.`)) continue;
              expect(cut.tensors.get(name), name).toEqual(whole.tensors.get(name));
            }
            const most = boundary === 'int8' ? 0.05 : 1e-4;
            for (const name of [`logprobs.${m}`, `loss.${m}`])
              expect(difference(floats(cut, name), floats(whole, name)), name).toBeLessThan(most);
          }
          if (boundary !== 'f32') continue;
          const gradient = 'activation.gradient.0.layers.1-1';
          expect(difference(floats(cut, gradient), floats(whole, gradient))).toBeLessThan(1e-2);
        }
      }
    },
  );

  it('[B-19] has the loss and gradients of a whole table but for rounding with the policy’s objective too', async () => {
    const o = { steps: 1, paths: 'full', objective: 'policy' } as const;
    const whole = await runOn(engines.slice(0, 1), tied, 1, o);
    const cut = await runOn(engines.slice(0, 1), tied, 3, o);
    for (const name of ['loss.0', 'loss.1', 'logprobs.1'])
      expect(difference(floats(cut, name), floats(whole, name)), name).toBeLessThan(1e-4);
    for (const name of ['activation.gradient.0.layers.1-1', 'activation.gradient.1.layers.1-1'])
      expect(difference(floats(cut, name), floats(whole, name)), name).toBeLessThan(1e-2);
    const coefficients = floats(cut, 'coefficient.0');
    expect(new Set(coefficients).size).toBeGreaterThan(8);
    expect(coefficients.some((x) => x === 0)).toBe(true);
  });

  it('[B-5] has one root on any devices, with any placement and engine', async () => {
    for (const config of [tied, untied]) {
      const o = { steps: 3, boundary: 'bf16', paths: [[1, 2], [2]] } as const;
      const metadata = adapterMetadata({ config, lora, base: `0x${'11'.repeat(32)}` }, 3);
      const roots = new Set<string>();
      for (const on of [engines.slice(0, 1), engines.slice(0, 2), engines]) {
        const run = await runOn(on, config, 3, o);
        roots.add(run.root(run.recipe.plan, metadata));
      }
      expect(roots.size).toBe(1);
    }
  });
});
