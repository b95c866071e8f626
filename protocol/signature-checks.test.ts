import { secp256k1 } from '@noble/curves/secp256k1.js';
import { concatBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CheckSignature, openSecp256k1 } from './secp256k1-wasm.ts';
import { checkInJavaScript, loadSignatureChecks, verifyDigest } from './signature-checks.ts';

const ORDER = secp256k1.Point.Fn.ORDER;
const FIELD = secp256k1.Point.Fp.ORDER;

function word(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * (31 - i))) & 255n));
}

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const secret = bytes(32).filter((key) => secp256k1.utils.isValidSecretKey(key));

describe('checks of signatures', () => {
  let wasm: CheckSignature;
  beforeAll(async () => {
    wasm = await openSecp256k1();
    await loadSignatureChecks();
  });

  const both = (signature: Uint8Array, digest: Uint8Array, publicKey: Uint8Array): boolean => {
    const answer = checkInJavaScript(signature, digest, publicKey);
    expect(wasm(signature, digest, publicKey)).toBe(answer);
    expect(verifyDigest(signature, digest, publicKey)).toBe(answer);
    return answer;
  };

  it('agree on signatures, and on ones with a changed bit', () => {
    fc.assert(
      fc.property(secret, bytes(32), fc.nat(129 * 8 - 1), (key, digest, bit) => {
        const publicKey = secp256k1.getPublicKey(key, true);
        const signature = secp256k1.sign(digest, key, { prehash: false });
        expect(both(signature, digest, publicKey)).toBe(true);
        const all = concatBytes(signature, digest, publicKey);
        const at = bit >> 3;
        all[at] = (all[at] ?? 0) ^ (1 << (bit & 7));
        both(all.subarray(0, 64), all.subarray(64, 96), all.subarray(96));
      }),
      { numRuns: 60 },
    );
  });

  it('agree on random bytes', () => {
    fc.assert(
      fc.property(bytes(64), bytes(32), bytes(33), (signature, digest, publicKey) => {
        expect(both(signature, digest, publicKey)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it('agree at the borders of numbers, and refuse a high s', () => {
    const key = word(5n);
    const publicKey = secp256k1.getPublicKey(key, true);
    const digest = word(12_345n);
    const signature = secp256k1.sign(digest, key, { prehash: false });
    const [r, s] = [
      signature.subarray(0, 32),
      BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`),
    ];
    expect(both(concatBytes(r, word(ORDER - s)), digest, publicKey)).toBe(false);
    const numbers = [
      0n,
      1n,
      ORDER / 2n,
      ORDER / 2n + 1n,
      ORDER - 1n,
      ORDER,
      ORDER + 1n,
      FIELD,
      2n ** 256n - 1n,
    ];
    for (const one of numbers) {
      for (const other of numbers)
        expect(both(concatBytes(word(one), word(other)), digest, publicKey)).toBe(false);
      both(signature, word(one), publicKey);
      for (const prefix of [0, 2, 3, 4, 5, 6, 7]) {
        expect(both(signature, digest, concatBytes(Uint8Array.of(prefix), word(one)))).toBe(false);
      }
    }
  });

  it('agree on digests of zero and of the group’s order', () => {
    const key = word(7n);
    const publicKey = secp256k1.getPublicKey(key, true);
    for (const number of [0n, 1n, ORDER - 1n, ORDER, ORDER + 1n, 2n ** 256n - 1n]) {
      const digest = word(number);
      expect(both(secp256k1.sign(digest, key, { prehash: false }), digest, publicKey)).toBe(true);
    }
  });

  it('refuse other lengths', () => {
    const key = word(9n);
    const digest = word(1n);
    const signature = secp256k1.sign(digest, key, { prehash: false });
    const compressed = secp256k1.getPublicKey(key, true);
    const whole = secp256k1.getPublicKey(key, false);
    expect(verifyDigest(signature, digest, compressed)).toBe(true);
    for (const [s, d, k] of [
      [signature, digest, whole],
      [signature.subarray(1), digest, compressed],
      [concatBytes(signature, Uint8Array.of(0)), digest, compressed],
      [signature, digest.subarray(1), compressed],
      [signature, concatBytes(digest, Uint8Array.of(0)), compressed],
      [signature, digest, compressed.subarray(1)],
      [new Uint8Array(), new Uint8Array(), new Uint8Array()],
    ] as const) {
      expect(checkInJavaScript(s, d, k)).toBe(false);
      expect(verifyDigest(s, d, k)).toBe(false);
    }
  });
});
