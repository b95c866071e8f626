import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LEAF_BYTES, merkleRoot } from '../../../protocol/merkle.ts';
import type { Tensor } from '../engine.ts';
import { expectedLeaves } from '../testing/hashing-contract.ts';
import { createWasmEngine, type WasmEngine } from './engine.ts';

describe.each([1, 3])('hashing on %i threads', (threads) => {
  let engine: WasmEngine;

  beforeAll(async () => {
    engine = await createWasmEngine({ threads, alwaysAllThreads: true });
  });
  afterAll(() => engine.stop());

  function put(values: Uint16Array): Tensor {
    const tensor = engine.allocate([values.length], 'bf16');
    engine.write(tensor, values);
    return tensor;
  }

  it('gives the roots that WebCrypto gives, for any bytes', async () => {
    // Odd numbers of bf16 end anywhere in a word; sizes about the leaf's and the block's are likely.
    const size = fc.oneof(
      fc.integer({ min: 1, max: 40_000 }),
      fc
        .tuple(fc.integer({ min: 1, max: 18 }), fc.integer({ min: -33, max: 33 }))
        .map(([leaves, more]) => Math.max(1, (leaves * LEAF_BYTES) / 2 + more)),
    );
    const contents = fc
      .tuple(size, fc.nat())
      .map(([count, seed]) =>
        Uint16Array.from({ length: count }, (_, i) => Math.imul(i + seed, 0x9e3779b1) >>> 15),
      );
    await fc.assert(
      fc.asyncProperty(fc.array(contents, { minLength: 1, maxLength: 4 }), async (all) => {
        const tensors = all.map(put);
        const roots = await engine.hash(tensors);
        for (const [i, values] of all.entries()) {
          expect(roots[i]).toEqual(merkleRoot(await expectedLeaves(values)));
        }
        for (const tensor of tensors) engine.free(tensor);
      }),
      { numRuns: 25 },
    );
  });

  it('gives the roots of tensors that take more than one step together', async () => {
    // 16 MiB a step: the second tensor begins in one and ends in another.
    const all = [30_000, 8_300_000, 100_001].map((count, seed) =>
      Uint16Array.from({ length: count }, (_, i) => Math.imul(i + seed, 0x9e3779b1) >>> 15),
    );
    const tensors = all.map(put);
    const roots = await engine.hash(tensors);
    for (const [i, values] of all.entries()) {
      expect(roots[i]).toEqual(merkleRoot(await expectedLeaves(values)));
    }
    for (const tensor of tensors) engine.free(tensor);
  });
});
