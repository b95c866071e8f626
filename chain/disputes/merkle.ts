/**
 * SHA-256 Merkle trees of RFC 6962, section 2.1, for any number of leaves, by subtrees: what contracts/src/disputes/MerkleSha256.sol
 * checks, its players make here. Hashes are hex; a subtree is given by its first leaf and its number of leaves.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, type Hex, hexToBytes } from 'viem';

/** The hash of a subtree. */
export type Subtree = (first: number, size: number) => Hex;

/** SHA-256(0x00 || data). */
export function leafHash(data: Uint8Array | Hex): Hex {
  const bytes = typeof data === 'string' ? hexToBytes(data) : data;
  return bytesToHex(sha256.create().update(Uint8Array.of(0)).update(bytes).digest());
}

/** SHA-256(0x01 || left || right). */
export function nodeHash(left: Hex, right: Hex): Hex {
  const hash = sha256.create().update(Uint8Array.of(1)).update(hexToBytes(left)).update(hexToBytes(right));
  return bytesToHex(hash.digest());
}

/** Leaves of the left subtree: the largest power of two below `size`. */
export function split(size: number): number {
  let k = 1;
  while (k * 2 < size) k *= 2;
  return k;
}

/** Leaf hashes with every subtree's hash, each computed once when it is first asked for. */
export class HashTree {
  readonly leaves: readonly Hex[];
  readonly #known = new Map<string, Hex>();

  /** Throws RangeError for no leaves: no tree of a dispute is empty. */
  constructor(leaves: readonly Hex[]) {
    if (leaves.length === 0) throw new RangeError('A tree of a dispute has at least one leaf.');
    this.leaves = leaves;
  }

  /** The tree whose leaves are hashes of these roots or data. */
  static over(items: readonly (Hex | Uint8Array)[]): HashTree {
    return new HashTree(items.map(leafHash));
  }

  get size(): number {
    return this.leaves.length;
  }

  get root(): Hex {
    return this.subtree(0, this.size);
  }

  /** Hash of the subtree of `size` leaves from `first` on. Throws RangeError when the tree has no such leaves. */
  readonly subtree: Subtree = (first, size) => {
    if (size === 1) return at(this.leaves, first);
    const key = `${first}:${size}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const k = split(size);
    const hash = nodeHash(this.subtree(first, k), this.subtree(first + k, size - k));
    this.#known.set(key, hash);
    return hash;
  };

  /** Audit path of a leaf, from its sibling up. */
  proof(index: number): Hex[] {
    return pathOf(index, this.size, this.subtree);
  }
}

/** Audit path of leaf `index` of a tree of `size` leaves, from its sibling up. Throws RangeError for no such leaf. */
export function pathOf(index: number, size: number, subtree: Subtree): Hex[] {
  if (!Number.isInteger(index) || index < 0 || index >= size)
    throw new RangeError(`no leaf ${index} of ${size}`);
  const path: Hex[] = [];
  let first = 0;
  let leaves = size;
  while (leaves > 1) {
    const k = split(leaves);
    if (index - first < k) {
      path.push(subtree(first + k, leaves - k));
      leaves = k;
    } else {
      path.push(subtree(first, k));
      first += k;
      leaves -= k;
    }
  }
  return path.reverse();
}

/** A part of a tree. */
export interface Part {
  readonly first: number;
  readonly size: number;
}

/** The nodes `depth` levels below a subtree's root, leaves above that included, from left to right. */
export function frontierParts(first: number, size: number, depth: number): Part[] {
  if (size === 1 || depth === 0) return [{ first, size }];
  const k = split(size);
  return [...frontierParts(first, k, depth - 1), ...frontierParts(first + k, size - k, depth - 1)];
}

/** Hashes of `frontierParts`. */
export function frontier(part: Part, depth: number, subtree: Subtree): Hex[] {
  return frontierParts(part.first, part.size, depth).map(({ first, size }) => subtree(first, size));
}

/** The root of a subtree of `size` leaves from its frontier; undefined when that many nodes are no frontier of it. */
export function rootOfFrontier(nodes: readonly Hex[], size: number, depth: number): Hex | undefined {
  const parts = frontierParts(0, size, depth);
  if (parts.length !== nodes.length) return undefined;
  const known = new Map(parts.map((part, i) => [`${part.first}:${part.size}`, at(nodes, i)]));
  const combine: Subtree = (first, leaves) => {
    const found = known.get(`${first}:${leaves}`);
    if (found !== undefined) return found;
    const k = split(leaves);
    return nodeHash(combine(first, k), combine(first + k, leaves - k));
  };
  return combine(0, size);
}

function at(list: readonly Hex[], index: number): Hex {
  const found = list[index];
  if (found === undefined) throw new RangeError(`no leaf ${index} of ${list.length}`);
  return found;
}
