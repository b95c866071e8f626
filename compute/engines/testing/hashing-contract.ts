/** What an engine that hashes must do, as tests: rule [EN-14] of ../engine.ts. Part of engine-contract.ts. */
import { expect, it } from 'vitest';
import {
  inclusionProof,
  LEAF_BYTES,
  leafHash,
  merkleRoot,
  verifyInclusion,
} from '../../../protocol/merkle.ts';
import { must } from '../../../protocol/must.ts';
import type { DType } from '../../repops/program.ts';
import type { Engine, Tensor } from '../engine.ts';
import { canHash, type HashingEngine } from '../hashing.ts';
import { dtypeOf, type TensorData, zeros } from '../tensor-data.ts';

/** Elements whose bytes differ from those of their neighbours. */
function distinctElements(dtype: DType, count: number): TensorData {
  const data = zeros(dtype, count);
  const bits = data instanceof Float32Array ? new Uint32Array(data.buffer) : data;
  for (let i = 0; i < count; i++) bits[i] = Math.imul(i + 1, 0x9e3779b1) ^ (i >>> 3);
  return data;
}

/** The leaf hashes of a tensor's bytes by WebCrypto, which shares no code with any engine. */
export async function expectedLeaves(data: TensorData): Promise<Uint8Array[]> {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const leaves: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += LEAF_BYTES) {
    const message = Uint8Array.of(0, ...bytes.subarray(at, at + LEAF_BYTES));
    leaves.push(new Uint8Array(await crypto.subtle.digest('SHA-256', message)));
  }
  return leaves;
}

/** Sizes about a word, a block of SHA-256, a leaf, and trees of odd and even levels. */
const CONTENTS = [
  ...[1, 2, 13, 14, 15, 1023, 1024, 1025, 3 * 1024, 11 * 1024 + 5].map((n) => distinctElements('f32', n)),
  ...[1, 3, 27, 2047, 2049, 5001].map((n) => distinctElements('bf16', n)),
  distinctElements('u32', 5 * 1024),
];

/** Tests that an engine keeps rule [EN-14]. */
export function describeHashingContract(engineOf: () => Engine): void {
  const hashingEngine = (): HashingEngine => {
    const engine = engineOf();
    if (!canHash(engine)) throw new TypeError(`${engine.kind} does not hash`);
    return engine;
  };
  const put = (engine: HashingEngine, data: TensorData): Tensor => {
    const tensor = engine.allocate([data.length], dtypeOf(data));
    engine.write(tensor, data);
    return tensor;
  };

  it('[EN-14] gives the roots that WebCrypto gives, whatever the size and type', async () => {
    const engine = hashingEngine();
    const tensors = CONTENTS.map((data) => put(engine, data));
    const roots = await engine.hash(tensors);
    expect(roots).toHaveLength(CONTENTS.length);
    for (const [i, data] of CONTENTS.entries()) {
      expect(roots[i]).toEqual(merkleRoot(await expectedLeaves(data)));
    }
    expect(await engine.hash([])).toEqual([]);
    for (const tensor of tensors) engine.free(tensor);
  });

  it('[EN-14] opens any leaf with a proof from the leaf hashes', async () => {
    const engine = hashingEngine();
    const data = distinctElements('bf16', 9 * 2048 + 301);
    const bytes = new Uint8Array(data.buffer);
    const tensor = put(engine, data);
    const [root] = await engine.hash([tensor]);
    const hashes = await engine.leafHashes(tensor);
    expect(hashes).toHaveLength(10 * 32);
    const leaves = Array.from({ length: 10 }, (_, i) => hashes.slice(i * 32, i * 32 + 32));
    for (const [index, leaf] of leaves.entries()) {
      const opened = await engine.readLeaf(tensor, index);
      expect(opened).toEqual(bytes.slice(index * LEAF_BYTES, (index + 1) * LEAF_BYTES));
      expect(leaf).toEqual(leafHash(opened));
      const proof = inclusionProof(leaves, index);
      expect(verifyInclusion({ leaf, index, size: 10, proof, root: root ?? new Uint8Array() })).toBe(true);
    }
    for (const missing of [10, -1, 0.5]) {
      await expect(engine.readLeaf(tensor, missing)).rejects.toThrow(RangeError);
    }
    engine.free(tensor);
  });

  it('[EN-14][EN-06] gives a tensor without elements the root of no leaves', async () => {
    const engine = hashingEngine();
    const [empty, full] = [put(engine, new Float32Array()), put(engine, must(CONTENTS, 3))];
    const fullRoot = merkleRoot(await expectedLeaves(must(CONTENTS, 3)));
    expect(await engine.hash([empty, full, empty])).toEqual([merkleRoot([]), fullRoot, merkleRoot([])]);
    expect(await engine.leafHashes(empty)).toEqual(new Uint8Array());
    await expect(engine.readLeaf(empty, 0)).rejects.toThrow(RangeError);
    for (const tensor of [empty, full]) engine.free(tensor);
  });
}
