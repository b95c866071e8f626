/**
 * Roots of tensors where they are, and openings of single elements, on any engine: by its own hashing where it has that and
 * hashes a known tensor rightly, else here from the tensors read back.
 */
import type { Engine, Tensor } from '../../compute/engines/engine.ts';
import { canHash, type HashingEngine, leafRange } from '../../compute/engines/hashing.ts';
import type { TensorData } from '../../compute/engines/tensor-data.ts';
import { elementBytes, elementCount } from '../../compute/repops/program.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import { HASH_BYTES, inclusionProof, LEAF_BYTES, leafHash, merkleRoot } from '../../protocol/merkle.ts';
import { tensorLeaves, tensorRoot } from './root.ts';

/** One leaf of a tensor with the path to its root: what shows a single element to somebody who has only the root. */
export interface Opening {
  /** Bytes of the leaf that holds the element, little-endian. */
  readonly data: Uint8Array;
  /** Bytes from the leaf's beginning to the element. */
  readonly offset: number;
  /** Number of the leaf, and leaves in the tree. */
  readonly index: number;
  readonly size: number;
  /** For `verifyInclusion`, from the leaf's sibling up. */
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
}

const trusted = new WeakMap<Engine, Promise<boolean>>();

/** The RFC 6962 root of each tensor's bytes. Serialised with the engine's runs by the caller. */
export async function deviceRoots(
  engine: Engine,
  tensors: readonly Tensor[],
): Promise<readonly Uint8Array[]> {
  const hashing = await trustedHashing(engine);
  if (hashing !== undefined) return await hashing.hash(tensors);
  const roots: Uint8Array[] = [];
  for (const tensor of tensors) roots.push(tensorRoot(bytesOf(await engine.read(tensor))));
  return roots;
}

/** Opens element `element` of a tensor. Throws RangeError when there is no such element. */
export async function openElement(engine: Engine, tensor: Tensor, element: number): Promise<Opening> {
  const count = elementCount(tensor.shape);
  if (!Number.isInteger(element) || element < 0 || element >= count) {
    throw new RangeError(`no element ${element} in a tensor of ${count}`);
  }
  const at = element * elementBytes(tensor.dtype);
  const index = Math.floor(at / LEAF_BYTES);
  const { leaves, data } = await leafOf(engine, tensor, index);
  return {
    data,
    offset: at % LEAF_BYTES,
    index,
    size: leaves.length,
    proof: inclusionProof(leaves, index),
    root: merkleRoot(leaves),
  };
}

async function leafOf(
  engine: Engine,
  tensor: Tensor,
  index: number,
): Promise<{ readonly leaves: readonly Uint8Array[]; readonly data: Uint8Array }> {
  const hashing = await trustedHashing(engine);
  if (hashing === undefined) {
    const bytes = bytesOf(await engine.read(tensor));
    const { start, length } = leafRange(bytes.length, index);
    return { leaves: tensorLeaves(bytes), data: bytes.slice(start, start + length) };
  }
  const hashes = await hashing.leafHashes(tensor);
  const leaves = Array.from({ length: hashes.length / HASH_BYTES }, (_, i) =>
    hashes.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES),
  );
  return { leaves, data: await hashing.readLeaf(tensor, index) };
}

/** The engine as one that hashes, or undefined where it cannot or does so wrongly. Tried once an engine. */
async function trustedHashing(engine: Engine): Promise<HashingEngine | undefined> {
  if (!canHash(engine)) return undefined;
  let verdict = trusted.get(engine);
  if (verdict === undefined) {
    verdict = hashesRightly(engine);
    trusted.set(engine, verdict);
  }
  return (await verdict) ? engine : undefined;
}

/** Whether the engine finds the root of five leaves, the last one short. */
async function hashesRightly(engine: HashingEngine): Promise<boolean> {
  const data = Uint32Array.from({ length: 4 * 1024 + 15 }, (_, i) => Math.imul(i + 1, 0x9e3779b1));
  const tensor = engine.allocate([data.length], 'u32');
  try {
    engine.write(tensor, data);
    const [root] = await engine.hash([tensor]);
    const last = await engine.readLeaf(tensor, 4);
    const hashes = await engine.leafHashes(tensor);
    return (
      root !== undefined &&
      equalBytes(root, tensorRoot(bytesOf(data))) &&
      equalBytes(hashes.slice(4 * HASH_BYTES), leafHash(last))
    );
  } finally {
    engine.free(tensor);
  }
}

function bytesOf(data: TensorData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
