import { describe, expect, it } from 'vitest';
import type { Engine } from '../../compute/engines/engine.ts';
import { createReferenceEngine } from '../../compute/engines/reference.ts';
import { compilePlan } from '../../compute/engines/wasm/plan.ts';
import { elementBytes, elementCount } from '../../compute/repops/program.ts';
import { type DecoderConfig, NANO_CONFIG, parseConfig } from './config.ts';
import { trainingProgram } from './decoder.ts';
import { FrozenSession } from './frozen-session.ts';
import { initialParameters } from './initialize.ts';
import { initialAdapters, type LoraOptions, PROJECTIONS } from './lora/adapters.ts';
import { peakTemporaries, predictFrozenMemory, predictTrainedMemory } from './memory.ts';
import { memoryWeights } from './weights.ts';

const config: DecoderConfig = { ...NANO_CONFIG, vocabulary: 40, hiddenSize: 16, headDim: 4, feedForward: 24 };
const draw = (...words: number[]) =>
  words.reduce((h, w) => Math.imul(h ^ w, 0x9e3779b1) ^ (h >>> 15), 7) >>> 0;
const parameters = initialParameters({ config, draw });
const lora: LoraOptions = { rank: 2, alpha: 4, targets: PROJECTIONS };
const batch = {
  batch: 2,
  length: 8,
  tokens: new Uint32Array(16),
  targets: new Uint32Array(16),
  weights: new Float32Array(16),
  learningRate: 0,
};
const generation = { prompts: [[1, 2, 3, 4, 5], [6]], maxNewTokens: 3, endToken: [], uniform: () => 0.5 };

/** An engine that counts the bytes it was asked for, as engines round them. */
function counting(): { engine: Engine; bytes: () => number } {
  const inner = createReferenceEngine();
  let bytes = 0;
  const engine: Engine = {
    ...inner,
    kind: inner.kind,
    description: inner.description,
    allocate(shape, dtype) {
      bytes += Math.max(64, Math.ceil((elementBytes(dtype) * elementCount(shape)) / 64) * 64);
      return inner.allocate(shape, dtype);
    },
  };
  return { engine, bytes: () => bytes };
}

describe('predicted memory', () => {
  it('is what a frozen session with adapters allocates', async () => {
    const { engine, bytes } = counting();
    const session = await FrozenSession.create({
      engine,
      config,
      positions: 32,
      weights: memoryWeights(parameters),
      lora: { ...lora, adapters: initialAdapters({ config, lora, draw }) },
    });
    await session.step(batch);
    await session.generate(generation);
    const predicted = predictFrozenMemory(config, {
      positions: 32,
      lora,
      train: { batch: 2, length: 8 },
      generate: { batch: 2, positions: 8, prompt: 5 },
    });
    expect(bytes()).toBe(predicted.weights + predicted.optimizer + predicted.bound);
  });

  it('counts the caches of prompts that rows share', async () => {
    const { engine, bytes } = counting();
    const session = await FrozenSession.create({
      engine,
      config,
      positions: 32,
      weights: memoryWeights(parameters),
    });
    const [long = [], short = []] = generation.prompts;
    await session.generate({ ...generation, prompts: [long, short, long, short, long] });
    const predicted = predictFrozenMemory(config, {
      positions: 32,
      generate: { batch: 8, positions: 8, prompt: 5, prompts: 2 },
    });
    expect(bytes()).toBe(predicted.weights + predicted.optimizer + predicted.bound);
  });

  it.each([false, true])('bounds what the wasm engine places, layers computed again: %s', (recompute) => {
    for (const layers of [2, 6]) {
      const program = trainingProgram(
        { ...config, layers },
        { batch: 4, length: 16, objective: 'supervised', plan: { frozen: true, lora }, recompute },
      );
      const placed = compilePlan(program, 1).arenaBytes;
      const peak = peakTemporaries(program);
      expect(placed).toBeGreaterThanOrEqual(peak);
      expect(placed).toBeLessThan(1.25 * peak + (1 << 17));
    }
  });

  it('counts two moments for each weight when all are trained', () => {
    const all = predictTrainedMemory(config, { train: { batch: 2, length: 8 } });
    const frozen = predictFrozenMemory(config, { train: { batch: 2, length: 8 }, lora });
    const rotary = 2 * 4 * config.context * (config.headDim / 2);
    expect(all.optimizer).toBe(2 * (all.weights - rotary));
    expect(all.weights).toBeGreaterThan(frozen.weights);
    expect(all.activations).toBeGreaterThan(0);
  });

  it('shows what computing layers again saves, and what a real model takes', () => {
    const qwen = parseConfig({
      model_type: 'qwen2',
      hidden_size: 896,
      num_hidden_layers: 24,
      num_attention_heads: 14,
      num_key_value_heads: 2,
      intermediate_size: 4864,
      vocab_size: 151936,
      max_position_embeddings: 32768,
      rope_theta: 1e6,
      tie_word_embeddings: true,
    });
    const use = (recompute: boolean) =>
      predictFrozenMemory(qwen, { positions: 512, lora, train: { batch: 1, length: 512, recompute } });
    const [kept, again] = [use(false), use(true)];
    expect(kept.weights).toBe(again.weights);
    expect(kept.weights / 2 ** 20).toBeGreaterThan(942);
    expect(kept.weights / 2 ** 20).toBeLessThan(950);
    expect(again.activations).toBeLessThan(0.65 * kept.activations);
    expect(kept.total).toBeLessThan(4 * 2 ** 30);
  });
});
