/** Hashing where the tensors are, so that only hashes leave the device (docs/checkpoint.md, "The root"). */
import { LEAF_BYTES, merkleRoot } from '../../protocol/merkle.ts';
import { must } from '../../protocol/must.ts';
import type { Engine, RunOptions, Tensor } from './engine.ts';

/** An engine that computes RFC 6962 trees over the bytes of its tensors, in leaves of 4,096 bytes. */
export interface HashingEngine extends Engine {
  /**
   * The root of each tensor's tree, 32 bytes. The caller awaits it before the next run, and runs before it.
   */
  hash(tensors: readonly Tensor[], options?: RunOptions): Promise<readonly Uint8Array[]>;
  /** The leaf hashes of one tensor, 32 bytes each, in order: 1/128 of its size. */
  leafHashes(tensor: Tensor, options?: RunOptions): Promise<Uint8Array>;
  /**
   * The bytes of one leaf, little-endian as in a checkpoint. Throws RangeError when there is no such leaf.
   */
  readLeaf(tensor: Tensor, leaf: number): Promise<Uint8Array>;
}

/** Whether an engine can hash its tensors where they are. */
export function canHash(engine: Engine): engine is HashingEngine {
  return 'hash' in engine && 'leafHashes' in engine && 'readLeaf' in engine;
}

/** Leaves in the tree of a tensor of `bytes` bytes. */
export function leavesOf(bytes: number): number {
  return Math.ceil(bytes / LEAF_BYTES);
}

/**
 * Start and length of leaf `leaf` of a tensor of `bytes` bytes. Throws RangeError if there is no such leaf.
 */
export function leafRange(bytes: number, leaf: number): { readonly start: number; readonly length: number } {
  if (!Number.isInteger(leaf) || leaf < 0 || leaf >= leavesOf(bytes)) {
    throw new RangeError(`no leaf ${leaf} in a tensor of ${leavesOf(bytes)}`);
  }
  const start = leaf * LEAF_BYTES;
  return { start, length: Math.min(LEAF_BYTES, bytes - start) };
}

/**
 * The root of each tensor, given all their element counts and the roots of those that have elements: the tree
 * of a tensor without elements has no leaves, so no engine computes it.
 */
export function withEmptyRoots(
  counts: readonly number[],
  roots: readonly Uint8Array[],
): readonly Uint8Array[] {
  let next = 0;
  return counts.map((count) => (count === 0 ? merkleRoot([]) : must(roots, next++)));
}
