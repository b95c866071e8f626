import { describe, expect, it } from 'vitest';
import {
  frontier,
  frontierParts,
  HashTree,
  hexLeafHash,
  hexNodeHash,
  pathOf,
  rootOfFrontier,
} from './hash-tree.ts';

const tree = (size: number) =>
  HashTree.over(Array.from({ length: size }, (_, i) => Uint8Array.of(i, i >> 8)));

describe('trees of a dispute', () => {
  it('hash leaves and nodes as RFC 6962 does', () => {
    // The test vectors of the Certificate Transparency code for the leaves "" and 0x00.
    expect(hexLeafHash('0x')).toBe('0x6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d');
    expect(HashTree.over(['0x', '0x00']).root).toBe(
      '0xfac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    );
  });

  it('come back from the frontier of any subtree, and from no other number of nodes', () => {
    for (const size of [1, 2, 3, 5, 16, 17, 31, 33, 100]) {
      const own = tree(size);
      for (const depth of [1, 4]) {
        const nodes = frontier({ first: 0, size }, depth, own.subtree);
        expect(nodes.length).toBeLessThanOrEqual(2 ** depth);
        expect(rootOfFrontier(nodes, size, depth)).toBe(own.root);
        expect(rootOfFrontier([...nodes, own.root], size, depth)).toBeUndefined();
        const parts = frontierParts(0, size, depth);
        expect(parts.reduce((sum, part) => sum + part.size, 0)).toBe(size);
      }
    }
  });

  it('give each leaf a path that leads to the root', () => {
    for (const size of [1, 2, 3, 7, 8, 21]) {
      const own = tree(size);
      for (let index = 0; index < size; index++) {
        // RFC 9162, 2.1.3.2, as MerkleSha256.verify has it.
        let hash = own.subtree(index, 1);
        let [node, last] = [index, size - 1];
        for (const sibling of own.proof(index)) {
          if (node % 2 === 1 || node === last) {
            hash = hexNodeHash(sibling, hash);
            while (node % 2 === 0 && node !== 0) [node, last] = [node >> 1, last >> 1];
          } else hash = hexNodeHash(hash, sibling);
          [node, last] = [node >> 1, last >> 1];
        }
        expect(hash).toBe(own.root);
        expect(last).toBe(0);
      }
    }
  });

  it('refuse leaves that are not there', () => {
    expect(() => new HashTree([])).toThrow(RangeError);
    expect(() => pathOf(3, 3, tree(3).subtree)).toThrow(RangeError);
  });
});
