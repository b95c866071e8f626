/** A model as the worker describes it, for tests and drawings. */

import { PROJECTIONS } from '../../../models/decoder/lora/adapters.ts';
import type { Adapter, Answer, LoadedModel, ModelSummary } from '../../../workers/model-api.ts';

/** Qwen2.5-0.5B-Instruct. */
export const SUMMARY: ModelSummary = {
  family: 'qwen2',
  parameters: 494_032_768,
  layers: 24,
  hiddenSize: 896,
  heads: 14,
  kvHeads: 2,
  vocabulary: 151_936,
  context: 32_768,
  dtypes: ['BF16'],
  files: 1,
  bytes: 988_065_536,
  chat: true,
  generation: {
    endTokens: [151_645, 151_643],
    sample: true,
    temperature: 0.7,
    topK: 20,
    topP: 0.8,
    notApplied: ['repetition_penalty 1.1'],
  },
};

export const LOADED: LoadedModel = {
  engine: 'wasm',
  description: 'wasm SIMD, 8 threads',
  reason: 'WebAssembly computes here because it was asked for.',
  positions: 512,
  seconds: 3.4,
};

export const ADAPTER: Adapter = {
  lora: { rank: 8, alpha: 16, targets: PROJECTIONS },
  steps: 3,
  parameters: 4_399_104,
};

export const ANSWER: Answer = {
  text: 'A murmuration is a flock of starlings that turns as one.',
  promptTokens: 30,
  tokens: [32, 8301, 399],
  ended: true,
  seconds: 2,
  drawingSeconds: 0.5,
  hash: `0x${'5a'.repeat(32)}`,
};
