/**
 * The SHA-256 Merkle tree of RFC 6962, section 2.1: leaves and nodes are hashed with different prefixes, any
 * leaf count.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { equalBytes } from './bytes.ts';

/** Bytes of a SHA-256 hash. */
export const HASH_BYTES = 32;
/** Bytes of a tensor in one leaf of its tree: 1,024 f32. A tensor's last leaf may be shorter. */
export const LEAF_BYTES = 4096;
const LEAF_PREFIX = Uint8Array.of(0);
const NODE_PREFIX = Uint8Array.of(1);

/** SHA-256(0x00 || data). */
export function leafHash(data: Uint8Array): Uint8Array {
  return sha256.create().update(LEAF_PREFIX).update(data).digest();
}

/** SHA-256(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256.create().update(NODE_PREFIX).update(left).update(right).digest();
}

/** The largest power of two below `size`: the leaves of the left subtree. */
export function splitSize(size: number): number {
  let k = 1;
  while (k * 2 < size) k *= 2;
  return k;
}

/** The Merkle tree hash over leaf hashes; of no leaves, the hash of nothing. */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256(new Uint8Array());
  return subtree(leaves, 0, leaves.length);
}

function subtree(leaves: readonly Uint8Array[], start: number, size: number): Uint8Array {
  if (size === 1) return leaves[start]!;
  const k = splitSize(size);
  return nodeHash(subtree(leaves, start, k), subtree(leaves, start + k, size - k));
}

/**
 * The audit path of leaf `index`, from the leaf's sibling up. Throws RangeError when there is no such leaf.
 */
export function inclusionProof(leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  if (!Number.isInteger(index) || index < 0 || index >= leaves.length) {
    throw new RangeError(`no leaf ${index} in a tree of ${leaves.length}`);
  }
  const path: Uint8Array[] = [];
  let start = 0;
  let size = leaves.length;
  while (size > 1) {
    const k = splitSize(size);
    if (index - start < k) {
      path.push(subtree(leaves, start + k, size - k));
      size = k;
    } else {
      path.push(subtree(leaves, start, k));
      start += k;
      size -= k;
    }
  }
  return path.reverse();
}

/** That a leaf is in a tree, with what shows it. Hashes are 32 bytes. */
export interface InclusionClaim {
  readonly leaf: Uint8Array;
  readonly index: number;
  /** Leaves in the tree. */
  readonly size: number;
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/**
 * Whether `proof` shows that `leaf` (a leaf hash) is leaf `index` of the tree of `size` leaves with this
 * root. RFC 9162, 2.1.3.2.
 */
export function verifyInclusion(claim: InclusionClaim): boolean {
  const { index, size, proof } = claim;
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return false;
  let hash = claim.leaf;
  let node = index;
  let last = size - 1;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash);
      while (node % 2 === 0 && node !== 0) {
        node /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && equalBytes(hash, claim.root);
}
