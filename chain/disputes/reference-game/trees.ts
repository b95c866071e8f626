/**
 * What the contract checks of Merkle trees, computed from the root down. The contract goes up from the leaf
 * (RFC 9162, 2.1.3.2), so the two agree only if both are right.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, type Hex, hexToBytes } from 'viem';
import { MoveRevertError, requireThat } from './revert.ts';

export function hashLeaf(data: Hex): Hex {
  return bytesToHex(sha256(concatBytes([Uint8Array.of(0), hexToBytes(data)])));
}

function hashNode(left: Hex, right: Hex): Hex {
  return bytesToHex(sha256(concatBytes([Uint8Array.of(1), hexToBytes(left), hexToBytes(right)])));
}

function leftOf(size: number): number {
  return 2 ** (Math.ceil(Math.log2(size)) - 1);
}

export interface MerkleProof {
  /** Hash of the leaf. */
  readonly leaf: Hex;
  readonly index: number;
  /** Leaves in the tree. */
  readonly size: number;
  /** From the leaf's sibling up. */
  readonly proof: readonly Hex[];
  readonly root: Hex;
}

/** Whether the proof shows that the leaf is in the tree at that place. */
export function verifyProof({ leaf, index, size, proof, root }: MerkleProof): boolean {
  if (index >= size) return false;
  const climb = (place: number, leaves: number, used: number): Hex | undefined => {
    if (leaves === 1) return used === 0 ? leaf : undefined;
    const sibling = proof[used - 1];
    if (sibling === undefined) return undefined;
    const left = leftOf(leaves);
    if (place < left) {
      const below = climb(place, left, used - 1);
      return below && hashNode(below, sibling);
    }
    const below = climb(place - left, leaves - left, used - 1);
    return below && hashNode(sibling, below);
  };
  return climb(index, size, proof.length) === root;
}

/** The root over leaf hashes. Throws MoveRevertError for no leaves. */
export function rootOver(leaves: readonly Hex[]): Hex {
  const [only] = leaves;
  if (only === undefined) throw new MoveRevertError('Panic');
  if (leaves.length === 1) return only;
  const left = leftOf(leaves.length);
  return hashNode(rootOver(leaves.slice(0, left)), rootOver(leaves.slice(left)));
}

/**
 * The place of each node of a tree's frontier: the nodes `levels` below the root, and the leaves above them.
 */
export function frontierPlaces(
  size: number,
  levels: number,
): readonly { readonly first: number; readonly size: number }[] {
  let row = [{ first: 0, size }];
  for (let level = 0; level < levels; level++) {
    row = row.flatMap((part) => {
      if (part.size === 1) return [part];
      const left = leftOf(part.size);
      return [
        { first: part.first, size: left },
        { first: part.first + left, size: part.size - left },
      ];
    });
  }
  return row;
}

/**
 * The root over a frontier. Throws MoveRevertError `WrongFrontier` if the tree's frontier has another number
 * of nodes.
 */
export function rootOfFrontier(nodes: readonly Hex[], size: number, levels: number): Hex {
  requireThat(nodes.length === frontierPlaces(size, levels).length, 'WrongFrontier');
  let next = 0;
  const combine = (leaves: number, left: number): Hex => {
    if (leaves === 1 || left === 0) {
      const node = nodes[next++];
      if (node === undefined) throw new MoveRevertError('WrongFrontier');
      return node;
    }
    const k = leftOf(leaves);
    const first = combine(k, left - 1);
    return hashNode(first, combine(leaves - k, left - 1));
  };
  return combine(size, levels);
}
