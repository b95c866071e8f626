import { webcrypto } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  inclusionProof,
  LEAF_BYTES,
  leafHash,
  merkleRoot,
  verifyInclusion,
} from '../../../protocol/merkle.ts';
import type { Tensor } from '../engine.ts';
import { createWasmEngine, type WasmEngine } from './engine.ts';

/** Leaf hashes by WebCrypto, which shares no code with ours. */
async function expectedLeaves(bytes: Uint8Array): Promise<Uint8Array[]> {
  const leaves: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += LEAF_BYTES) {
    const message = Uint8Array.of(0, ...bytes.subarray(at, at + LEAF_BYTES));
    leaves.push(new Uint8Array(await webcrypto.subtle.digest('SHA-256', message)));
  }
  return leaves;
}

describe.each([1, 3])('hashing on %i threads', (threads) => {
  let engine: WasmEngine;

  beforeAll(async () => {
    engine = await createWasmEngine({ threads, together: true });
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
          expect(roots[i]).toEqual(merkleRoot(await expectedLeaves(new Uint8Array(values.buffer))));
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
      expect(roots[i]).toEqual(merkleRoot(await expectedLeaves(new Uint8Array(values.buffer))));
    }
    for (const tensor of tensors) engine.free(tensor);
  });

  it('opens any element with a proof from one leaf and the leaf hashes', async () => {
    const values = Uint16Array.from({ length: 5 * 2048 + 77 }, (_, i) => i * 7);
    const tensor = put(values);
    const [root] = await engine.hash([tensor]);
    const hashes = await engine.leafHashes(tensor);
    const leaves = Array.from({ length: 6 }, (_, i) => hashes.slice(i * 32, i * 32 + 32));
    expect(hashes.length).toBe(6 * 32);
    for (let index = 0; index < 6; index++) {
      const bytes = await engine.readLeaf(tensor, index);
      expect(bytes).toEqual(
        new Uint8Array(values.buffer).slice(index * LEAF_BYTES, (index + 1) * LEAF_BYTES),
      );
      const claim = { leaf: leafHash(bytes), index, size: 6, proof: inclusionProof(leaves, index) };
      expect(verifyInclusion({ ...claim, root: root ?? new Uint8Array() })).toBe(true);
    }
    await expect(engine.readLeaf(tensor, 6)).rejects.toThrow(RangeError);
    await expect(engine.readLeaf(tensor, 0.5)).rejects.toThrow(RangeError);
    engine.free(tensor);
  });
});
