/**
 * Roots of tensors on any engine. An engine that can hash, and hashes a known tensor rightly, hashes them in
 * place. For other engines the tensors are read back and hashed here.
 */
import type { Engine, Tensor } from '../../compute/engines/engine.ts';
import { canHash, type HashingEngine } from '../../compute/engines/hashing.ts';
import type { TensorData } from '../../compute/engines/tensor-data.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import { HASH_BYTES, leafHash } from '../../protocol/merkle.ts';
import { tensorRoot } from './root.ts';

const trusted = new WeakMap<Engine, Promise<boolean>>();

/** The RFC 6962 root of each tensor's bytes. The caller keeps other runs of the engine from overlapping. */
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

/** The engine, if it can hash and does so rightly. Each engine is tried once. */
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
