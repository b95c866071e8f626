/**
 * SHA-256 Merkle trees of RFC 6962, section 2.1, addressed by subtrees. Players of a dispute make here what
 * contracts/src/disputes/MerkleSha256.sol checks. Hashes are hex; a subtree is named by its first leaf and
 * its size.
 */
import { fromHex, type Hex, toHex } from './hex.ts';
import { leafHash, nodeHash, splitSize } from './merkle.ts';

/** The hash of a subtree. */
export type Subtree = (first: number, size: number) => Hex;

/** SHA-256(0x00 || data), as hex. */
export function hexLeafHash(data: Uint8Array | Hex): Hex {
  return toHex(leafHash(typeof data === 'string' ? fromHex(data) : data));
}

/** SHA-256(0x01 || left || right), as hex. */
export function hexNodeHash(left: Hex, right: Hex): Hex {
  return toHex(nodeHash(fromHex(left), fromHex(right)));
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
    return new HashTree(items.map(hexLeafHash));
  }

  get size(): number {
    return this.leaves.length;
  }

  get root(): Hex {
    return this.subtree(0, this.size);
  }

  /**
   * Hash of the subtree of `size` leaves from `first` on. Throws RangeError when the tree has no such leaves.
   */
  readonly subtree: Subtree = (first, size) => {
    if (size === 1) return at(this.leaves, first);
    const key = `${first}:${size}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const k = splitSize(size);
    const hash = hexNodeHash(this.subtree(first, k), this.subtree(first + k, size - k));
    this.#known.set(key, hash);
    return hash;
  };

  /** Audit path of a leaf, from its sibling up. */
  proof(index: number): Hex[] {
    return pathOf(index, this.size, this.subtree);
  }
}

/**
 * Audit path of leaf `index` of a tree of `size` leaves, from its sibling up. Throws RangeError for no such
 * leaf.
 */
export function pathOf(index: number, size: number, subtree: Subtree): Hex[] {
  if (!Number.isInteger(index) || index < 0 || index >= size)
    throw new RangeError(`no leaf ${index} of ${size}`);
  const path: Hex[] = [];
  let first = 0;
  let leaves = size;
  while (leaves > 1) {
    const k = splitSize(leaves);
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
  const k = splitSize(size);
  return [...frontierParts(first, k, depth - 1), ...frontierParts(first + k, size - k, depth - 1)];
}

/** Hashes of `frontierParts`. */
export function frontier(part: Part, depth: number, subtree: Subtree): Hex[] {
  return frontierParts(part.first, part.size, depth).map(({ first, size }) => subtree(first, size));
}

/**
 * The root of a subtree of `size` leaves from its frontier; undefined when that many nodes are no frontier of
 * it.
 */
export function rootOfFrontier(nodes: readonly Hex[], size: number, depth: number): Hex | undefined {
  const parts = frontierParts(0, size, depth);
  if (parts.length !== nodes.length) return undefined;
  const known = new Map(parts.map((part, i) => [`${part.first}:${part.size}`, at(nodes, i)]));
  const combine: Subtree = (first, leaves) => {
    const found = known.get(`${first}:${leaves}`);
    if (found !== undefined) return found;
    const k = splitSize(leaves);
    return hexNodeHash(combine(first, k), combine(first + k, leaves - k));
  };
  return combine(0, size);
}

function at(list: readonly Hex[], index: number): Hex {
  const found = list[index];
  if (found === undefined) throw new RangeError(`no leaf ${index} of ${list.length}`);
  return found;
}
