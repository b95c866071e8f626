/** The Merkle trees of a claim's program, step roots and tensors, and a check that evidence is consistent with its terms. */
import type { Evidence, Slot } from '../../protocol/evidence.ts';
import { HashTree, hexLeafHash } from '../../protocol/hash-tree.ts';
import type { Hex } from '../../protocol/hex.ts';
import { LEAF_BYTES } from '../../protocol/merkle.ts';
import { encodeSlot } from '../../protocol/slot-encoding.ts';

/** The tree of a program; its root is `terms.program`. */
export function programTree(program: readonly Slot[]): HashTree {
  return new HashTree(program.map((slot) => hexLeafHash(encodeSlot(slot))));
}

/** The root to claim, and the tree that opens it: the checkpoint root after each step. */
export function claimTree(stepRoots: readonly Hex[]): HashTree {
  return HashTree.over(stepRoots);
}

/** Leaf hashes of a tensor's little-endian words, 4 KiB each. */
export function tensorTree(data: Uint8Array): HashTree {
  const leaves: Hex[] = [];
  for (let at = 0; at < data.length; at += LEAF_BYTES)
    leaves.push(hexLeafHash(data.subarray(at, at + LEAF_BYTES)));
  return new HashTree(leaves);
}

/**
 * What does not fit together in evidence, in words for a log; undefined when all does. With such evidence a game against it could be lost.
 */
export function flawOf(evidence: Evidence): string | undefined {
  const { terms, program, dataRoots, slotNames } = evidence;
  if (terms.steps < 1 || terms.slots < 2) return 'The terms have no steps or no slots.';
  if (program.length !== terms.slots) return 'The program has another number of slots than the terms.';
  if (slotNames.length !== program.length) return 'Not every slot of the program has a name.';
  if (programTree(program).root !== terms.program) return 'The program is not that of the terms.';
  if (dataRoots.length !== terms.steps * terms.dataSlots)
    return 'There are not as many data roots as the terms say.';
  if (dataRoots.length > 0 && HashTree.over(dataRoots).root !== terms.data)
    return 'The data are not those of the terms.';
  return undefined;
}
