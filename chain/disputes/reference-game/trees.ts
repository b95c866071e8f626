/**
 * What the contract checks of Merkle trees, worked out top down: the contract goes up from the leaf (RFC 9162, 2.1.3.2), so that the
 * two can only agree by both being right.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, type Hex, hexToBytes } from 'viem';
import { must, Refusal } from './revert.ts';

export function hashLeaf(data: Hex): Hex {
  return bytesToHex(sha256(concatBytes([Uint8Array.of(0), hexToBytes(data)])));
}

function hashNode(left: Hex, right: Hex): Hex {
  return bytesToHex(sha256(concatBytes([Uint8Array.of(1), hexToBytes(left), hexToBytes(right)])));
}

function leftOf(size: number): number {
  return 2 ** (Math.ceil(Math.log2(size)) - 1);
}

export interface Membership {
  /** Hash of the leaf. */
  readonly leaf: Hex;
  readonly index: number;
  /** Leaves in the tree. */
  readonly size: number;
  /** From the leaf's sibling up. */
  readonly proof: readonly Hex[];
  readonly root: Hex;
}

/** Whether a leaf is in the tree at that place. */
export function isIn({ leaf, index, size, proof, root }: Membership): boolean {
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

/** The root over leaf hashes. */
export function rootOver(leaves: readonly Hex[]): Hex {
  const [only] = leaves;
  if (only === undefined) throw new Refusal('Panic');
  if (leaves.length === 1) return only;
  const left = leftOf(leaves.length);
  return hashNode(rootOver(leaves.slice(0, left)), rootOver(leaves.slice(left)));
}

/** Where each node of a frontier lies in its tree: `levels` below the root, leaves above that included. */
export function placesOf(
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

/** The root that a frontier comes to. Throws Refusal when it has another number of nodes than the tree's. */
export function rootOfNodes(nodes: readonly Hex[], size: number, levels: number): Hex {
  must(nodes.length === placesOf(size, levels).length, 'WrongFrontier');
  let next = 0;
  const combine = (leaves: number, left: number): Hex => {
    if (leaves === 1 || left === 0) {
      const node = nodes[next++];
      if (node === undefined) throw new Refusal('WrongFrontier');
      return node;
    }
    const k = leftOf(leaves);
    const first = combine(k, left - 1);
    return hashNode(first, combine(leaves - k, left - 1));
  };
  return combine(size, levels);
}
