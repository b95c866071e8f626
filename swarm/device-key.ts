import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { base58btc } from 'multiformats/bases/base58';
import type { DeviceAddress } from '../protocol/hex.ts';
import { toHex } from '../protocol/hex.ts';

/** The one key of a device: its libp2p identity, its EVM address and the signer of its messages. */
export interface DeviceKey {
  /** 32 bytes. Whoever has them is the device. */
  readonly secret: Uint8Array;
  /** 33 bytes, SEC 1 compressed. */
  readonly publicKey: Uint8Array;
  readonly address: DeviceAddress;
  /** Base58 of the PeerId's multihash, as libp2p prints it. */
  readonly peerId: string;
  /** ECDSA over a 32-byte digest, RFC 6979 nonce, low s: 64 bytes r and s. */
  sign(digest: Uint8Array): Uint8Array;
}

/** Builds the device key from its 32 secret bytes. Throws when they are no valid secp256k1 scalar. */
export function deviceKey(secret: Uint8Array): DeviceKey {
  const publicKey = secp256k1.getPublicKey(secret, true);
  return {
    secret,
    publicKey,
    address: addressOf(publicKey),
    peerId: peerIdOf(publicKey),
    sign: (digest) => secp256k1.sign(digest, secret, { prehash: false }),
  };
}

/** EVM address of a 33-byte compressed public key: the last 20 bytes of keccak-256 of the point. Throws on a bad point. */
export function addressOf(publicKey: Uint8Array): DeviceAddress {
  const point = secp256k1.Point.fromBytes(publicKey).toBytes(false);
  return toHex(keccak_256(point.subarray(1)).subarray(12));
}

/**
 * PeerId bytes of a 33-byte compressed public key: an identity multihash over the libp2p PublicKey protobuf
 * (libp2p specs, peer-ids), 39 bytes.
 */
export function peerIdBytesOf(publicKey: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(0x00, 0x25, 0x08, 0x02, 0x12, 0x21), publicKey);
}

/** PeerId text of a 33-byte compressed public key. */
export function peerIdOf(publicKey: Uint8Array): string {
  return base58btc.baseEncode(peerIdBytesOf(publicKey));
}

/** Whether `signature` (64 bytes, low s) over the 32-byte digest is that of `publicKey`. Never throws. */
export function verifyDigest(signature: Uint8Array, digest: Uint8Array, publicKey: Uint8Array): boolean {
  try {
    return secp256k1.verify(signature, digest, publicKey, { prehash: false });
  } catch {
    return false;
  }
}

/** SHA-256 of all parts in order. */
export function digestOf(...parts: readonly Uint8Array[]): Uint8Array {
  return sha256(concatBytes(...parts));
}
