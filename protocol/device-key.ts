import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { base58btc } from 'multiformats/bases/base58';
import { type DeviceAddress, fromHex, type Hex, toHex } from './hex.ts';
import { sha256Of } from './sha256-of.ts';

/** The secret bytes of a device key are no valid secp256k1 scalar. */
export class DeviceKeyError extends Error {
  override readonly name = 'DeviceKeyError';
}

/**
 * The one key of a device: its libp2p identity, its EVM address and the signer of its messages and
 * attestations.
 */
export interface DeviceKey {
  /** 32 bytes. Whoever has them is the device. */
  readonly secret: Uint8Array;
  /** 33 bytes, SEC 1 compressed. */
  readonly publicKey: Uint8Array;
  /** The point's coordinates, 32 bytes each. */
  readonly x: Hex;
  readonly y: Hex;
  readonly address: DeviceAddress;
  /** Base58 of the PeerId's multihash, as libp2p prints it. */
  readonly peerId: string;
  /** SHA-256 of the PeerId's 39 bytes, which is what the Identity contract stores. */
  readonly peerIdDigest: Hex;
  /** ECDSA over a 32-byte digest, nonce by RFC 6979, low s: 64 bytes r and s. For messages between peers. */
  sign(digest: Uint8Array): Uint8Array;
  /** The same signature with its recovery byte: 65 bytes r, s, v with v 27 or 28. For contracts. */
  signRecoverable(digest: Hex): Hex;
}

/** Builds the device key from its 32 secret bytes, of which it keeps a copy. Throws DeviceKeyError. */
export function deviceKey(secret: Uint8Array): DeviceKey {
  if (!secp256k1.utils.isValidSecretKey(secret))
    throw new DeviceKeyError('The device key is damaged. Restore it from its backup.');
  const kept = new Uint8Array(secret);
  const publicKey = secp256k1.getPublicKey(kept, true);
  const point = secp256k1.getPublicKey(kept, false);
  return {
    secret: kept,
    publicKey,
    x: toHex(point.subarray(1, 33)),
    y: toHex(point.subarray(33)),
    address: addressOf(publicKey),
    peerId: peerIdOf(publicKey),
    peerIdDigest: toHex(sha256Of(peerIdBytesOf(publicKey))),
    sign: (digest) => secp256k1.sign(digest, kept, { prehash: false }),
    signRecoverable(digest) {
      const signature = secp256k1.sign(fromHex(digest), kept, { prehash: false, format: 'recovered' });
      const [recovery = 0] = signature;
      // noble puts the recovery bit first; Ethereum wants 27 or 28 last.
      return toHex(concatBytes(signature.subarray(1), Uint8Array.of(27 + recovery)));
    },
  };
}

/**
 * EVM address of a 33-byte compressed public key: the last 20 bytes of keccak-256 of the point. Throws on a
 * bad point.
 */
export function addressOf(publicKey: Uint8Array): DeviceAddress {
  const point = secp256k1.Point.fromBytes(publicKey).toBytes(false);
  return toHex(keccak_256(point.subarray(1)).subarray(12));
}

/**
 * PeerId bytes of a 33-byte compressed public key: an identity multihash (code 0x00, length 0x25) over the
 * libp2p PublicKey protobuf, whose fields are type 2 (08 02) and 33 bytes of key (12 21). 39 bytes. See
 * libp2p's specification of peer ids.
 */
export function peerIdBytesOf(publicKey: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(0x00, 0x25, 0x08, 0x02, 0x12, 0x21), publicKey);
}

/** PeerId text of a 33-byte compressed public key. */
export function peerIdOf(publicKey: Uint8Array): string {
  return base58btc.baseEncode(peerIdBytesOf(publicKey));
}
