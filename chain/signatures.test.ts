import { type Hex, keccak256 } from 'viem';
import { describe, expect, it } from 'vitest';
import { deviceKey } from '../protocol/device-key.ts';
import { compactSignature, isSignedBy } from './signatures.ts';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const device = deviceKey(new Uint8Array(32).fill(3));
const word = (value: bigint): string => value.toString(16).padStart(64, '0');

/** The other valid ECDSA signature of the same digest: s negated, parity flipped. */
function twin(signature: Hex): Hex {
  const s = BigInt(`0x${signature.slice(66, 130)}`);
  const v = signature.endsWith('1b') ? '1c' : '1b';
  return `${signature.slice(0, 66) as Hex}${word(ORDER - s)}${v}`;
}

describe('compactSignature', () => {
  it('keeps r and s, with the parity on top', () => {
    const parities = new Set<bigint>();
    for (let i = 0; i < 32; i++) {
      const signature = device.signRecoverable(keccak256(Uint8Array.of(i)));
      const compact = compactSignature(signature);
      expect(compact?.r).toBe(signature.slice(0, 66));
      const vs = BigInt(compact?.vs ?? 0);
      expect(word(vs & ((1n << 255n) - 1n))).toBe(signature.slice(66, 130));
      expect(Number(vs >> 255n) + 27).toBe(Number.parseInt(signature.slice(130), 16));
      parities.add(vs >> 255n);
    }
    expect(parities.size).toBe(2);
  });

  it.each<[string, Hex]>([
    ['nothing', '0x'],
    ['64 bytes', `0x${'11'.repeat(64)}`],
    ['66 bytes', `0x${'11'.repeat(66)}`],
    ['v of 0', `0x${'11'.repeat(64)}00`],
    ['r of zero', `0x${'00'.repeat(32)}${'11'.repeat(32)}1b`],
    ['s of zero', `0x${'11'.repeat(32)}${'00'.repeat(32)}1b`],
    ['no hex', `0x${'zz'.repeat(65)}`],
    ['a high s', twin(device.signRecoverable(keccak256('0x')))],
  ])('refuses %s', (_name, signature) => {
    expect(compactSignature(signature)).toBeUndefined();
  });
});

describe('isSignedBy', () => {
  const digest = keccak256('0x1234');
  const signature = device.signRecoverable(digest);

  it('knows the signer, in any case of letters', async () => {
    expect(await isSignedBy(device.address, digest, signature)).toBe(true);
    expect(await isSignedBy(`0x${device.address.slice(2).toUpperCase()}`, digest, signature)).toBe(true);
  });

  it('refuses another device, another digest, the twin and nonsense', async () => {
    expect(await isSignedBy(`0x${'00'.repeat(20)}`, digest, signature)).toBe(false);
    expect(await isSignedBy(device.address, keccak256('0x1235'), signature)).toBe(false);
    expect(await isSignedBy(device.address, digest, twin(signature))).toBe(false);
    expect(await isSignedBy(device.address, digest, `0x${'ff'.repeat(32)}${'11'.repeat(32)}1b`)).toBe(false);
  });
});
