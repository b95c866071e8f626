import { generateKeyPair } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { bytesToHex, hexToBytes, keccak256, recoverAddress, sha256 } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { DeviceKeyError, deviceKey, peerIdBytesOf } from './device-key.ts';

describe('deviceKey', () => {
  it('derives the known address of private key 1', () => {
    const one = new Uint8Array(32);
    one[31] = 1;
    expect(deviceKey(one).address).toBe('0x7e5f4552091a69125d5dfcb7b8c2659029395bdf');
    expect(deviceKey(one).x).toBe('0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798');
  });

  it('keeps a copy of its secret, also of a Buffer', () => {
    const secret = Buffer.alloc(32, 7);
    const device = deviceKey(secret);
    secret.fill(9);
    expect(device.secret).toEqual(new Uint8Array(32).fill(7));
  });

  it('agrees with libp2p on the PeerId and with viem on the address', async () => {
    for (let i = 0; i < 8; i++) {
      const key = await generateKeyPair('secp256k1');
      const device = deviceKey(key.raw);
      expect(device.peerId).toBe(peerIdFromPrivateKey(key).toString());
      expect(peerIdBytesOf(device.publicKey)).toEqual(peerIdFromPrivateKey(key).toMultihash().bytes);
      expect(device.peerIdDigest).toBe(sha256(peerIdFromPrivateKey(key).toMultihash().bytes));
      expect(device.address).toBe(privateKeyToAccount(bytesToHex(key.raw)).address.toLowerCase());
    }
  });

  it('signs digests so that its address is recovered', async () => {
    const device = deviceKey(new Uint8Array(32).fill(7));
    for (let i = 0; i < 16; i++) {
      const digest = keccak256(Uint8Array.of(i));
      const signature = device.signRecoverable(digest);
      expect(hexToBytes(signature)).toHaveLength(65);
      expect((await recoverAddress({ hash: digest, signature })).toLowerCase()).toBe(device.address);
    }
  });

  it('keeps its own copy of the secret', async () => {
    const secret = new Uint8Array(32).fill(7);
    const device = deviceKey(secret);
    const digest = keccak256('0x01');
    const before = device.signRecoverable(digest);
    secret.fill(9);
    expect(device.signRecoverable(digest)).toBe(before);
  });

  it.each([
    ['zero', new Uint8Array(32)],
    ['the group order or more', new Uint8Array(32).fill(0xff)],
    ['too short', new Uint8Array(31).fill(1)],
    ['too long', new Uint8Array(33).fill(1)],
  ])('refuses a secret that is %s', (_name, secret) => {
    expect(() => deviceKey(secret)).toThrow(DeviceKeyError);
  });
});
