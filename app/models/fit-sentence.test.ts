import { describe, expect, it } from 'vitest';
import { memoryFit } from '../../workers/memory-fit.ts';
import { fitSentence } from './fit-sentence.ts';

const GIB = 2 ** 30;
const sentence = (weights: number, activations: number, deviceMemory: number | undefined) =>
  fitSentence(
    memoryFit({
      parts: { weights, optimizer: 0, prepacked: 0, bound: 0, activations, total: weights + activations },
      engine: 'wasm',
      deviceMemory,
    }),
  );

describe('fitSentence', () => {
  it('names the cause and a remedy that helps', () => {
    expect(sentence(GIB, 0, 8)).toBe('Takes about 1.07 GB of memory, and this device has at least 8 GiB.');
    expect(sentence(GIB, 0, undefined)).toContain('does not say');
    expect(sentence(0.7 * GIB, 0, 1)).toMatch(/has 1 GiB. It may work; close other tabs first.$/);
    expect(sentence(GIB, GIB, 1)).toMatch(
      /Take fewer tokens at a time, or a smaller model, or a larger device.$/,
    );
    expect(sentence(5 * GIB, 0, 8)).toMatch(/4.29 GB that WebAssembly can hold. Take a smaller model.$/);
    expect(sentence(GIB, 4 * GIB, 8)).toMatch(/Take fewer tokens at a time, or a smaller model.$/);
  });
});
