/**
 * The root of a checkpoint (docs/checkpoint.md). It commits to every tensor's name, dtype, shape and bits,
 * and to the metadata. Two Merkle paths prove any single value under it.
 */
import { concatBytes } from '@noble/hashes/utils.js';
import { type Hex, toHex } from '../../protocol/hex.ts';
import { LEAF_BYTES, leafHash, merkleRoot } from '../../protocol/merkle.ts';
import {
  compareNames,
  parseSafetensors,
  SafetensorsError,
  type SafetensorsFile,
  type StoredTensor,
} from './safetensors.ts';

/** The leaf hashes of a tensor's bytes. Leaves have 4 KiB, and the last may be shorter. */
function tensorLeaves(data: Uint8Array): Uint8Array[] {
  const leaves: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += LEAF_BYTES) {
    leaves.push(leafHash(data.subarray(at, at + LEAF_BYTES)));
  }
  return leaves;
}

/** The Merkle root of one tensor's values. */
export function tensorRoot(data: Uint8Array): Uint8Array {
  return merkleRoot(tensorLeaves(data));
}

/**
 * As `tensorRoot`, of values that come in pieces, in order, so that no more than a piece is in memory. Throws
 * RangeError for a piece before the last that is no whole number of leaves.
 */
export async function tensorRootOfPieces(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const leaves: Uint8Array[] = [];
  let isWhole = true;
  for await (const piece of pieces) {
    if (!isWhole) throw new RangeError(`A piece before the last has ${LEAF_BYTES} bytes or a multiple.`);
    isWhole = piece.length % LEAF_BYTES === 0;
    leaves.push(...tensorLeaves(piece));
  }
  return merkleRoot(leaves);
}

/**
 * The leaf data of one tensor in the checkpoint's tree: UTF-8 name, 0x00, dtype, each size as u32 LE, tensor
 * root. No two tensors have the same leaf data, so a root belongs to one checkpoint. Throws SafetensorsError
 * for what would break that: a name with U+0000 or half a surrogate pair, and a size of 2^32 or more.
 */
export function tensorLeafData(
  name: string,
  tensor: StoredTensor,
  root: Uint8Array = tensorRoot(tensor.data),
): Uint8Array {
  if (name.includes('\0') || !name.isWellFormed()) throw unrootable(name, 'the name is not plain text');
  const large = tensor.shape.find((size) => !Number.isInteger(size) || size < 0 || size >= 2 ** 32);
  if (large !== undefined) throw unrootable(name, `a size of ${large} does not fit 32 bits`);
  const encoder = new TextEncoder();
  const sizes = new Uint8Array(tensor.shape.length * 4);
  const view = new DataView(sizes.buffer);
  for (const [i, size] of tensor.shape.entries()) view.setUint32(i * 4, size, true);
  return concatBytes(encoder.encode(name), Uint8Array.of(0), encoder.encode(tensor.dtype), sizes, root);
}

function unrootable(name: string, problem: string): SafetensorsError {
  return new SafetensorsError(
    `Tensor ${JSON.stringify(name)} has no place under a checkpoint’s root: ${problem}. Rename or reshape it.`,
  );
}

/** The last leaf's data: the metadata as RFC 8785 canonical JSON. */
export function metadataLeafData(metadata: ReadonlyMap<string, string>): Uint8Array {
  // RFC 8785 sorts by UTF-16 code units, as JavaScript's default sort does.
  const pairs = [...metadata.keys()]
    .sort()
    .map((key) => `${JSON.stringify(key)}:${JSON.stringify(metadata.get(key))}`);
  return new TextEncoder().encode(`{${pairs.join(',')}}`);
}

/** Known roots of tensors, by name. The device that holds the tensors may have computed them. */
export type KnownRoots = ReadonlyMap<string, Uint8Array>;

/** The leaf hashes of a checkpoint's tree: tensors in byte order of their names, then the metadata. */
export function checkpointLeaves(contents: SafetensorsFile, known?: KnownRoots): Uint8Array[] {
  const tensors = [...contents.tensors].sort(([a], [b]) => compareNames(a, b));
  const leaves = tensors.map(([name, tensor]) => leafHash(tensorLeafData(name, tensor, known?.get(name))));
  leaves.push(leafHash(metadataLeafData(contents.metadata)));
  return leaves;
}

/**
 * The root of a checkpoint's contents, or of the bytes of its file. Throws SafetensorsError for a bad file.
 */
export function checkpointRoot(checkpoint: Uint8Array | SafetensorsFile, known?: KnownRoots): Hex {
  const contents = checkpoint instanceof Uint8Array ? parseSafetensors(checkpoint) : checkpoint;
  return toHex(merkleRoot(checkpointLeaves(contents, known)));
}
