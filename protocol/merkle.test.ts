import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inclusionProof, leafHash, merkleRoot, nodeHash, verifyInclusion } from './merkle.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** Input leaves of the test vectors that Certificate Transparency's implementations share. */
const DATA = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const leaves = DATA.map((data) => leafHash(Uint8Array.from(Buffer.from(data, 'hex'))));
const numbered = (size: number) =>
  Array.from({ length: size }, (_, i) => leafHash(Uint8Array.of(i & 255, i >> 8)));

describe('merkleRoot', () => {
  it.each(ROOTS.map((root, size) => ({ root, size })))(
    'of $size leaves is the published one',
    ({ root, size }) => {
      expect(hex(merkleRoot(leaves.slice(0, size)))).toBe(root);
    },
  );

  it('separates leaves from nodes', () => {
    const [a, b] = numbered(2);
    const joined = new Uint8Array(64);
    joined.set(a!, 0);
    joined.set(b!, 32);
    expect(hex(leafHash(joined))).not.toBe(hex(nodeHash(a!, b!)));
  });
});

describe('inclusion', () => {
  it('of each leaf is proved, in trees of 1 to 40', () => {
    for (let size = 1; size <= 40; size++) {
      const tree = numbered(size);
      const root = merkleRoot(tree);
      for (const [index, leaf] of tree.entries()) {
        const proof = inclusionProof(tree, index);
        expect(verifyInclusion({ leaf, index, size, proof, root }), `${index} of ${size}`).toBe(true);
      }
    }
  });

  it('of anything else is not', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 200 }), fc.nat(), fc.nat(), fc.nat(), (size, i, j, bit) => {
        const tree = numbered(size);
        const root = merkleRoot(tree);
        const index = i % size;
        const proof = inclusionProof(tree, index);
        const claim = { leaf: tree[index]!, index, size, proof, root };
        const other = j % size;
        if (other !== index) {
          expect(verifyInclusion({ ...claim, leaf: tree[other]! })).toBe(false);
          expect(verifyInclusion({ ...claim, index: other })).toBe(false);
        }
        const flipped = proof.map((hash) => hash.slice());
        flipped[bit % proof.length]![(bit >> 3) % 32]! ^= 1 << (bit % 8);
        expect(verifyInclusion({ ...claim, proof: flipped })).toBe(false);
        expect(verifyInclusion({ ...claim, proof: proof.slice(1) })).toBe(false);
        expect(verifyInclusion({ ...claim, proof: [...proof, root] })).toBe(false);
        expect(verifyInclusion({ ...claim, index: size })).toBe(false);
        expect(verifyInclusion({ ...claim, index: -1 })).toBe(false);
      }),
    );
  });

  it('is not proved for a leaf that does not exist', () => {
    expect(() => inclusionProof(numbered(3), 3)).toThrow(RangeError);
  });
});
