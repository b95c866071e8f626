/** Small random models of each supported shape, for tests of exports. They also run in a page. */
import { type DecoderConfig, NANO_CONFIG } from '../../decoder/config.ts';
import { initialParameters } from '../../decoder/initialize.ts';
import type { NamedTensors } from '../../decoder/state.ts';

export interface TestModel {
  readonly config: DecoderConfig;
  readonly parameters: NamedTensors;
}

/** Sizes that share no divisor with the kernels' blocks. Every width is above one block of 64 of a fold. */
export const QWEN2_TINY: DecoderConfig = {
  ...NANO_CONFIG,
  hiddenSize: 96,
  heads: 6,
  kvHeads: 2,
  headDim: 18,
  layers: 3,
  feedForward: 200,
  vocabulary: 131,
};

/** No biases, an untied head, and a scaled, interleaved rotary embedding. */
export const LLAMA_TINY: DecoderConfig = {
  ...QWEN2_TINY,
  family: 'llama',
  tiedEmbedding: false,
  ropeTheta: 500000,
  ropeInterleaved: true,
  ropeScaling: {
    type: 'llama3',
    factor: 8,
    lowFrequencyFactor: 1,
    highFrequencyFactor: 4,
    originalContext: 32,
  },
  normEpsilon: 1e-5,
};

/** A random model, biases and gains included, whose logits spread like those of a trained model. */
export function randomModel(config: DecoderConfig): TestModel {
  const initial = initialParameters({ config, draw: word, deviation: 0.1 });
  const parameters = new Map(
    [...initial].map(([name, values], tensor) => {
      if (name.endsWith('.bias')) return [name, values.map((_, i) => word(tensor, i, 5) / 2 ** 33 - 0.25)];
      if (name.endsWith('norm.weight'))
        return [name, values.map((_, i) => 0.5 + word(tensor, i, 6) / 2 ** 32)];
      return [name, values];
    }),
  );
  return { config, parameters };
}

/** Rows of `length` token ids, all different. */
export function randomTokens(vocabulary: number, rows: number, length: number): number[][] {
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length }, (_, i) => word(row, i, 9) % vocabulary),
  );
}

/** 32 mixed bits of three numbers (the finaliser of MurmurHash3). */
export function word(a: number, b: number, c: number): number {
  let h = 0x9e3779b9;
  for (const part of [a, b, c]) {
    h = Math.imul(h ^ part, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h ^= h >>> 16;
  }
  return h >>> 0;
}
