import { webcrypto } from 'node:crypto';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  inclusionProof,
  LEAF_BYTES,
  leafHash,
  merkleRoot,
  verifyInclusion,
} from '../../../../protocol/merkle.ts';
import type { DType } from '../../../repops/program.ts';
import { type TensorData, zeros } from '../../tensor-data.ts';
import { openWebGpuEngine, type WebGpuEngine } from '../engine.ts';
import { openDawnAdapter, SWIFTSHADER_ICD } from './dawn.ts';

/** Elements whose bytes are all different from their neighbours'. */
function noise(dtype: DType, count: number): TensorData {
  const data = zeros(dtype, count);
  const words = data instanceof Float32Array ? new Uint32Array(data.buffer) : data;
  for (let i = 0; i < count; i++) words[i] = Math.imul(i + 1, 0x9e3779b1) ^ (i >>> 3);
  return data;
}

const bytesOf = (data: TensorData) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** Leaf hashes by WebCrypto, which shares no code with ours. */
async function expectedLeaves(bytes: Uint8Array): Promise<Uint8Array[]> {
  const leaves: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += LEAF_BYTES) {
    const message = Uint8Array.of(0, ...bytes.subarray(at, at + LEAF_BYTES));
    leaves.push(new Uint8Array(await webcrypto.subtle.digest('SHA-256', message)));
  }
  return leaves;
}

describe.skipIf(!existsSync(SWIFTSHADER_ICD))('hashing on the GPU (needs SwiftShader)', () => {
  process.env.XDG_RUNTIME_DIR ??= tmpdir();
  let gpu: GPU;
  let engine: WebGpuEngine;

  beforeAll(async () => {
    const opened = await openDawnAdapter({ vulkanDriver: SWIFTSHADER_ICD });
    gpu = opened.gpu;
    engine = await openWebGpuEngine(opened.adapter);
  });
  afterAll(async () => {
    await engine.stop();
    expect(gpu).toBeDefined();
  });

  it('gives the roots that WebCrypto gives, whatever the size and type', async () => {
    const contents = [
      ...[1, 2, 13, 14, 15, 1023, 1024, 1025, 3 * 1024, 11 * 1024 + 5].map((n) => noise('f32', n)),
      ...[1, 3, 27, 2047, 2049, 5001].map((n) => noise('bf16', n)),
      noise('u32', 5 * 1024),
    ];
    const tensors = contents.map((data) => {
      const dtype: DType =
        data instanceof Float32Array ? 'f32' : data instanceof Uint16Array ? 'bf16' : 'u32';
      const tensor = engine.allocate([data.length], dtype);
      engine.write(tensor, data);
      return tensor;
    });
    const roots = await engine.hash(tensors);
    expect(engine.submissions).toBe(1);
    for (const [i, data] of contents.entries()) {
      expect(roots[i]).toEqual(merkleRoot(await expectedLeaves(bytesOf(data))));
    }
    for (const tensor of tensors) engine.free(tensor);
  });

  it('opens any element with a proof, reading one leaf and the leaf hashes', async () => {
    const data = noise('f32', 9 * 1024 + 300);
    const tensor = engine.allocate([data.length], 'f32');
    engine.write(tensor, data);
    const [root] = await engine.hash([tensor]);
    const hashes = await engine.leafHashes(tensor);
    const leaves = Array.from({ length: hashes.length / 32 }, (_, i) => hashes.slice(i * 32, i * 32 + 32));
    for (const index of [0, 5, 9]) {
      const bytes = await engine.readLeaf(tensor, index);
      const claim = {
        leaf: leafHash(bytes),
        index,
        size: leaves.length,
        proof: inclusionProof(leaves, index),
      };
      expect(verifyInclusion({ ...claim, root: root ?? new Uint8Array() })).toBe(true);
      expect(bytes).toEqual(bytesOf(data).slice(index * LEAF_BYTES, (index + 1) * LEAF_BYTES));
    }
    await expect(engine.readLeaf(tensor, 10)).rejects.toThrow(RangeError);
    engine.free(tensor);
  });
});
