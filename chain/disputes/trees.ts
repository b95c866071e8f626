/** The Merkle trees that a claim commits to. A claim's author opens them; the contract checks the paths. */
import type { Slot } from '../../protocol/evidence.ts';
import { HashTree, hexLeafHash } from '../../protocol/hash-tree.ts';
import type { Hex } from '../../protocol/hex.ts';
import { LEAF_BYTES } from '../../protocol/merkle.ts';
import { encodeSlot } from '../../protocol/slot-encoding.ts';

/** The tree over a program's slots. Its root is `terms.program`. */
export function programTree(program: readonly Slot[]): HashTree {
  return new HashTree(program.map((slot) => hexLeafHash(encodeSlot(slot))));
}

/** The tree over the checkpoint roots after each step. Its root is what a claim states. */
export function claimTree(stepRoots: readonly Hex[]): HashTree {
  return HashTree.over(stepRoots);
}

/** The tree over a tensor's little-endian words, 4 KiB a leaf. Its root stands in the trace. */
export function tensorTree(data: Uint8Array): HashTree {
  const leaves: Hex[] = [];
  for (let at = 0; at < data.length; at += LEAF_BYTES) {
    leaves.push(hexLeafHash(data.subarray(at, at + LEAF_BYTES)));
  }
  return new HashTree(leaves);
}

/** The bytes of one leaf of a tensor. */
export function tensorLeaf(data: Uint8Array, leaf: number): Uint8Array {
  return data.subarray(leaf * LEAF_BYTES, (leaf + 1) * LEAF_BYTES);
}
