/** What is hashed of terms and slots: the ABI encoding of the contract's structs. */
import { encodeAbiParameters, type Hex, keccak256, parseAbiParameters } from 'viem';
import type { Evidence, Slot, Terms } from './evidence.ts';
import { HashTree, leafHash } from './merkle.ts';

const TERMS = parseAbiParameters([
  'Terms terms',
  'struct Terms { bytes32 program; bytes32 data; bytes32 initial; uint32 steps; uint32 slots; uint32 dataSlots; }',
]);

const SLOT = parseAbiParameters([
  'Slot slot',
  'struct Node { uint32 op; uint32 output; uint32 length; uint32[] attributes; uint32[] lengths; }',
  'struct Slot { uint8 kind; uint32 place; uint32 count; bytes name; Node node; uint32[] inputs; bytes[] names; }',
]);

/** What a claim on the chain holds of its terms: keccak256(abi.encode(terms)). */
export function termsHash(terms: Terms): Hex {
  return keccak256(encodeAbiParameters(TERMS, [terms]));
}

/** `abi.encode(slot)`: a leaf of the program's tree. */
export function encodeSlot(slot: Slot): Hex {
  return encodeAbiParameters(SLOT, [slot]);
}

/** The tree of a program; its root is `terms.program`. */
export function programTree(program: readonly Slot[]): HashTree {
  return new HashTree(program.map((slot) => leafHash(encodeSlot(slot))));
}

/** The root to claim, and the tree that opens it: the checkpoint root after each step. */
export function claimTree(stepRoots: readonly Hex[]): HashTree {
  return HashTree.over(stepRoots);
}

/** Leaf hashes of a tensor's little-endian words, 4 KiB each. */
export function tensorTree(data: Uint8Array): HashTree {
  const leaves: Hex[] = [];
  for (let at = 0; at < data.length; at += LEAF_BYTES)
    leaves.push(leafHash(data.subarray(at, at + LEAF_BYTES)));
  return new HashTree(leaves);
}

export const LEAF_BYTES = 4096;

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
