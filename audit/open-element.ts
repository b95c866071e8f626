/** Any single number of a checkpoint, shown with two Merkle paths under its root (docs/checkpoint.md). */

import { checkpointLeaves, tensorLeafData, tensorLeaves } from '../models/checkpoint/root.ts';
import { compareNames } from '../models/checkpoint/safetensors.ts';
import { type Checkpoint, checkpointContents } from '../models/decoder/checkpoint.ts';
import { fromHex, type Hex, toHex } from '../protocol/hex.ts';
import { inclusionProof, LEAF_BYTES, leafHash, verifyInclusion } from '../protocol/merkle.ts';

export interface ElementOpening {
  readonly tensor: string;
  readonly element: number;
  /** The 4 KiB, or the rest, that the element is in. */
  readonly leaf: Uint8Array;
  /** Leaves of the tensor. */
  readonly leaves: number;
  readonly leafProof: readonly Hex[];
  /** Name, dtype, shape and root of the tensor: its leaf in the checkpoint's tree. */
  readonly entry: Uint8Array;
  readonly place: number;
  /** Leaves of the checkpoint's tree. */
  readonly places: number;
  readonly entryProof: readonly Hex[];
}

/** Opens an element of a checkpoint's tensor. Throws RangeError when there is none. */
export function openElement(checkpoint: Checkpoint, tensor: string, element: number): ElementOpening {
  const contents = checkpointContents(checkpoint);
  const stored = contents.tensors.get(tensor);
  if (stored === undefined) throw new RangeError(`The checkpoint has no tensor ${tensor}.`);
  if (!Number.isInteger(element) || element < 0 || element * 4 >= stored.data.length) {
    throw new RangeError(`${tensor} has ${stored.data.length / 4} elements, not ${element}.`);
  }
  const leaves = tensorLeaves(stored.data);
  const entries = checkpointLeaves(contents);
  const leaf = Math.floor((element * 4) / LEAF_BYTES);
  const place = [...contents.tensors.keys()].sort(compareNames).indexOf(tensor);
  return {
    tensor,
    element,
    leaf: stored.data.slice(leaf * LEAF_BYTES, (leaf + 1) * LEAF_BYTES),
    leaves: leaves.length,
    leafProof: inclusionProof(leaves, leaf).map(toHex),
    entry: tensorLeafData(tensor, stored),
    place,
    places: entries.length,
    entryProof: inclusionProof(entries, place).map(toHex),
  };
}

/**
 * The bits that an opening shows under a checkpoint's root; undefined when it does not lead to that root, or is of another tensor
 * or element than it says.
 */
export function openedBits(opening: ElementOpening, root: Hex): number | undefined {
  const { tensor, element, leaf, entry } = opening;
  const name = new TextEncoder().encode(`${tensor}\0`);
  if (!name.every((byte, i) => entry[i] === byte)) return undefined;
  const within = verifyInclusion({
    leaf: leafHash(leaf),
    index: Math.floor((element * 4) / LEAF_BYTES),
    size: opening.leaves,
    proof: opening.leafProof.map(fromHex),
    root: entry.subarray(entry.length - 32),
  });
  const above = verifyInclusion({
    leaf: leafHash(entry),
    index: opening.place,
    size: opening.places,
    proof: opening.entryProof.map(fromHex),
    root: fromHex(root),
  });
  const at = (element * 4) % LEAF_BYTES;
  if (!within || !above || at + 4 > leaf.length) return undefined;
  return new DataView(leaf.buffer, leaf.byteOffset, leaf.byteLength).getUint32(at, true);
}
