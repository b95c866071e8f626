import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createReferenceEngine } from '../../compute/engines/reference.ts';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { philox4x32 } from '../../protocol/philox.ts';
import { type DecoderConfig, parameterSpecs } from './config.ts';
import { FrozenSession } from './frozen-session.ts';
import { initialParameters } from './initialize.ts';
import { freshAdapterState } from './lora/adapter-state.ts';
import { initialAdapters, type LoraOptions, PROJECTIONS } from './lora/adapters.ts';
import { frozenRoot } from './lora/frozen-root.ts';
import { ModelSession } from './model-session.ts';
import { ModelStateError } from './state.ts';
import { fromBfloat16 } from './testing/from-bfloat16.ts';
import { memoryWeights, toBfloat16 } from './weights.ts';

const QWEN: DecoderConfig = {
  hiddenSize: 16,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 4,
  feedForward: 24,
  vocabulary: 37,
  context: 90,
  ropeTheta: 10000,
  normEpsilon: 1e-6,
  tiedEmbedding: true,
};
const LLAMA: DecoderConfig = {
  ...QWEN,
  family: 'llama',
  tiedEmbedding: false,
  ropeScaling: {
    type: 'llama3',
    factor: 4,
    lowFrequencyFactor: 1,
    highFrequencyFactor: 4,
    originalContext: 64,
  },
};
const INTERLEAVED: DecoderConfig = { ...LLAMA, ropeInterleaved: true };
const lora: LoraOptions = { rank: 2, alpha: 3, targets: PROJECTIONS };

const draw = (stream: number) => (tensor: number, element: number, part: number) =>
  philox4x32([tensor, element, part, stream], [3, 4])[0];
const uniform = (row: number, position: number) => (draw(9)(row, position, 0) >>> 8) / 2 ** 24;

/** Parameters whose matrices are bf16 already. */
function parametersOf(config: DecoderConfig): Map<string, Float32Array> {
  const parameters = initialParameters({ config, draw: draw(0), deviation: 0.3 });
  for (const { name, shape } of parameterSpecs(config)) {
    const values = parameters.get(name) ?? new Float32Array();
    if (shape.length > 1) parameters.set(name, fromBfloat16(toBfloat16(values)));
  }
  return parameters;
}

/** Adapters with both factors set, as after training. */
function adaptersOf(config: DecoderConfig): Map<string, Float32Array> {
  const adapters = initialAdapters({ config, lora, draw: draw(1) });
  for (const [index, values] of [...adapters.values()].entries()) {
    for (let i = 0; i < values.length; i++) values[i] = draw(2)(index, i, 0) / 2 ** 33 - 0.25;
  }
  return adapters;
}

async function sessionOf(
  config: DecoderConfig,
  more: Partial<Parameters<typeof FrozenSession.create>[0]> = {},
) {
  return FrozenSession.create({
    engine: createReferenceEngine(),
    config,
    weights: memoryWeights(parametersOf(config)),
    lora: { ...lora, adapters: adaptersOf(config) },
    ...more,
  });
}

const sequence = (tokens: readonly number[]) => ({
  batch: 1,
  length: tokens.length - 1,
  tokens: tokens.slice(0, -1),
  targets: tokens.slice(1),
});
const batch = {
  batch: 2,
  length: 6,
  tokens: Array.from({ length: 12 }, (_, i) => (i * 7) % 37),
  targets: Array.from({ length: 12 }, (_, i) => (i * 7 + 7) % 37),
  weights: new Array<number>(12).fill(1 / 12),
  learningRate: 1e-2,
};

describe.each([
  ['Qwen2', QWEN],
  ['Llama', LLAMA],
  ['Llama with rotary pairs of neighbours', INTERLEAVED],
])('a frozen model of the shape of %s', (_, config) => {
  it('computes what the same weights in f32 compute', async () => {
    const frozen = await sessionOf(config, {
      lora: { ...lora, adapters: initialAdapters({ config, lora, draw: draw(1) }) },
    });
    const full = await ModelSession.create({
      engine: createReferenceEngine(),
      config,
      parameters: parametersOf(config),
    });
    expect(await frozen.score(batch)).toEqual(await full.score(batch));
    expect(await (await sessionOf(config)).score(batch)).not.toEqual(await full.score(batch));
  });

  it('generates with the bits of the full forward pass, whatever else is in the batch, prefilled or not', async () => {
    const model = await sessionOf(config);
    const alone = await sessionOf(config, { positions: 80 });
    const prompt = fc.array(fc.nat(36), { minLength: 1, maxLength: 14 });
    await fc.assert(
      fc.asyncProperty(fc.array(prompt, { minLength: 1, maxLength: 3 }), async (prompts) => {
        const options = { maxNewTokens: 4, endToken: 0, uniform };
        const rows = await model.generate({ prompts, ...options });
        for (const [b, row] of rows.entries()) {
          const own = prompts[b] ?? [];
          const scored = await model.score(sequence([...own, ...row.tokens]));
          expect([...scored.subarray(own.length - 1)]).toEqual(row.logprobs);
          const [single] = await alone.generate({
            ...options,
            prompts: [own],
            batch: 1,
            prefill: b % 2 === 0,
            uniform: (_row, position) => uniform(b, position),
          });
          expect(single).toEqual(row);
        }
      }),
      { numRuns: 4 },
    );
  });
});

describe('generate', () => {
  it('prefills prompts that are longer than one piece', async () => {
    const model = await sessionOf(QWEN);
    const prompts = [
      Array.from({ length: 75 }, (_, i) => (i * 5 + 1) % 37),
      Array.from({ length: 66 }, (_, i) => (i * 3 + 2) % 37),
      [4, 5],
    ];
    const options = { prompts, maxNewTokens: 5, endToken: 0, uniform };
    expect(await model.generate(options)).toEqual(await model.generate({ ...options, prefill: false }));
  });

  it('stops at any of several end tokens and shows tokens as they come', async () => {
    const model = await sessionOf(QWEN);
    const options = { prompts: [[1, 2, 3]], maxNewTokens: 12, uniform };
    const [free] = await model.generate({ ...options, endToken: [] });
    const seen: number[] = [];
    const stop = free?.tokens[4] ?? 0;
    const [row] = await model.generate({
      ...options,
      endToken: [36, stop],
      onToken: (_, token) => seen.push(token),
    });
    expect(row?.tokens).toEqual(free?.tokens.slice(0, (free?.tokens.indexOf(stop) ?? 0) + 1));
    expect(seen).toEqual(row?.tokens);
  });

  it('draws only from the most probable tokens', async () => {
    const model = await sessionOf(QWEN);
    const options = { prompts: [[1, 2, 3]], maxNewTokens: 6, endToken: [], uniform };
    const [best] = await model.generate({ ...options, greedy: true });
    const [one] = await model.generate({ ...options, topK: 1 });
    expect(one?.tokens).toEqual(best?.tokens);
    for (const logprob of one?.logprobs ?? []) expect(logprob).toBeCloseTo(0, 5);
    const [narrow] = await model.generate({ ...options, topP: 1e-6 });
    expect(narrow?.tokens).toEqual(best?.tokens);
    expect(await model.generate({ ...options, topK: 37, temperature: 1 })).toHaveLength(1);
    await expect(model.generate({ ...options, topK: -1 })).rejects.toThrow(/topK/);
    await expect(model.generate({ ...options, topP: 0 })).rejects.toThrow(/topP/);
  });
});

describe('training adapters', () => {
  it('lowers the loss, the same on wasm and reference, with layers kept or computed again', async () => {
    const wasm = await createWasmEngine();
    try {
      const sessions = [
        await sessionOf(QWEN),
        await sessionOf(QWEN, { recompute: true }),
        await sessionOf(QWEN, { engine: wasm }),
      ];
      const losses: number[][] = [];
      for (const session of sessions) {
        const own: number[] = [];
        for (let step = 0; step < 4; step++) own.push((await session.step(batch)).loss);
        losses.push(own);
      }
      expect(losses[1]).toEqual(losses[0]);
      expect(losses[2]).toEqual(losses[0]);
      expect(losses[0]?.at(-1)).toBeLessThan(losses[0]?.[0] ?? 0);
      const [first, ...others] = await Promise.all(sessions.map((session) => session.snapshot()));
      for (const other of others) expect(other).toEqual(first);
      expect(first?.step).toBe(4);
    } finally {
      await wasm.stop();
    }
  });

  it('goes on from a snapshot as if nothing had happened', async () => {
    const session = await sessionOf(QWEN);
    await session.step(batch);
    const saved = await session.snapshot();
    await session.step(batch);
    const after = await session.snapshot();
    const other = await sessionOf(QWEN);
    await other.restore(saved);
    await other.step(batch);
    expect(await other.snapshot()).toEqual(after);
    await expect(other.restore({ ...saved, m: new Map() })).rejects.toThrow(/first moments/);
  });

  it('takes adapters in and out of use beside the same weights', async () => {
    const session = await sessionOf(QWEN);
    const plain = await FrozenSession.create({
      engine: createReferenceEngine(),
      config: QWEN,
      weights: memoryWeights(parametersOf(QWEN)),
    });
    const options = { prompts: [[1, 2, 3]], maxNewTokens: 6, endToken: [], uniform };
    const untouched = await plain.generate(options);
    for (let step = 0; step < 3; step++) await session.step({ ...batch, learningRate: 0.05 });
    const adapted = await session.generate(options);
    expect(adapted).not.toEqual(untouched);
    expect(await session.generate({ ...options, withoutAdapters: true })).toEqual(untouched);
    expect(await session.generate(options)).toEqual(adapted);

    const state = await session.snapshot();
    await plain.adapt(lora, state);
    expect(plain.steps).toBe(3);
    expect(await plain.generate(options)).toEqual(adapted);
    const narrow = { ...lora, rank: 1 };
    const fresh = initialAdapters({ config: QWEN, lora: narrow, draw: draw(1) });
    await expect(plain.adapt(narrow, state)).rejects.toThrow(ModelStateError);
    expect(await plain.snapshot()).toEqual(state);
    await plain.adapt(narrow, freshAdapterState(QWEN, narrow, fresh));
    // With B all zero, adapters change no bit.
    expect(await plain.generate(options)).toEqual(untouched);
    await plain.step(batch);
    await plain.release();
    expect(await plain.generate({ ...options, withoutAdapters: true })).toEqual(untouched);
  });

  it.each([
    ['reference', async () => createReferenceEngine()],
    ['wasm', () => createWasmEngine()],
  ])('knows the root of its weights on %s', async (_name, open) => {
    const engine = await open();
    try {
      const weights = memoryWeights(parametersOf(LLAMA));
      const session = await FrozenSession.create({ engine, config: LLAMA, weights });
      const known = await session.matrixRoots();
      const vectorsOnly = { ...weights, bfloat16: () => Promise.reject(new Error('a matrix was read')) };
      expect(await frozenRoot(LLAMA, vectorsOnly, { known })).toBe(await frozenRoot(LLAMA, weights));
    } finally {
      await engine.stop();
    }
  });

  it('needs adapters, and frees everything', async () => {
    const weights = memoryWeights(parametersOf(QWEN));
    const session = await FrozenSession.create({ engine: createReferenceEngine(), config: QWEN, weights });
    await expect(session.step(batch)).rejects.toThrow(/no adapters/);
    await session.dispose();
    await expect(session.score(batch)).rejects.toThrow(/disposed/);
  });

  it('stops loading when told to', async () => {
    const stop = new AbortController();
    const loading = sessionOf(QWEN, {
      signal: stop.signal,
      onProgress: ({ tensors }) => {
        if (tensors === 3) stop.abort(new Error('enough'));
      },
    });
    await expect(loading).rejects.toThrow('enough');
  });
});
