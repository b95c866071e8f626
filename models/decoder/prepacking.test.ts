import { expect, test } from 'vitest';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { type DecoderConfig, NANO_CONFIG } from './config.ts';
import { FrozenSession } from './frozen-session.ts';
import { initialParameters } from './initialize.ts';
import { predictFrozenMemory } from './memory.ts';
import { matricesToPrepack } from './prepacking.ts';
import { memoryWeights } from './weights.ts';

const config: DecoderConfig = { ...NANO_CONFIG, vocabulary: 40, hiddenSize: 16, headDim: 4, feedForward: 24 };
const draw = (...words: number[]) =>
  words.reduce((h, w) => Math.imul(h ^ w, 0x9e3779b1) ^ (h >>> 15), 7) >>> 0;
const weights = memoryWeights(initialParameters({ config, draw }));

test('a session with prepacked matrices generates the same, in the memory that is predicted', async () => {
  const engine = await createWasmEngine();
  const everything = matricesToPrepack(config, Number.POSITIVE_INFINITY).bytes;
  const answers = [];
  for (const prepackBytes of [0, everything / 2, everything]) {
    const before = engine.memory().temporaries;
    const session = await FrozenSession.create({ engine, config, positions: 32, weights, prepackBytes });
    const { prepacked, total } = predictFrozenMemory(config, { positions: 32, prepackBytes });
    expect(prepacked).toBeLessThanOrEqual(prepackBytes);
    expect(total).toBe(predictFrozenMemory(config, { positions: 32 }).total + prepacked);
    // What else the engine holds is the list of steps that makes a copy.
    const held = engine.memory().temporaries - before;
    expect(held).toBeGreaterThanOrEqual(prepacked);
    expect(held).toBeLessThanOrEqual(prepacked + 64);
    const one = { maxNewTokens: 6, endToken: [], uniform: () => 0.7 } as const;
    answers.push([
      await session.generate({ ...one, prompts: [[1, 2, 3, 4, 5]], batch: 1 }),
      await session.generate({ ...one, prompts: [[1, 2, 3], [6], [7, 8]] }),
    ]);
    await session.dispose();
  }
  expect(answers[1]).toEqual(answers[0]);
  expect(answers[2]).toEqual(answers[0]);
  await engine.stop();
});

test('copies are of the matrices that products read, within the limit', () => {
  const untied = { ...config, tiedEmbedding: false };
  const all = matricesToPrepack(untied, Number.POSITIVE_INFINITY).specs.map(({ name }) => name);
  expect(all).toHaveLength(7 * config.layers + 1);
  expect(all).toContain('lm_head.weight');
  expect(all).not.toContain('model.embed_tokens.weight');
  expect(matricesToPrepack(config, Number.POSITIVE_INFINITY).specs.map(({ name }) => name)).toContain(
    'model.embed_tokens.weight',
  );
  expect(matricesToPrepack(config, 0)).toEqual({ specs: [], bytes: 0 });
  const { specs, bytes } = matricesToPrepack(config, 2000);
  expect(bytes).toBeLessThanOrEqual(2000);
  expect(specs.length).toBeGreaterThan(0);
});
