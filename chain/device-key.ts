import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex, concat, type Hex, hexToBytes, keccak256, sha256 } from 'viem';
import { ChainError } from './errors.ts';

/** A device as the chain sees it: the public half of its secp256k1 key, and a way to sign. */
export interface DeviceSigner {
  /** EVM address, lower case. */
  readonly address: Hex;
  /** The point's coordinates, 32 bytes each. */
  readonly x: Hex;
  readonly y: Hex;
  /** SEC 1 compressed point, 33 bytes. */
  readonly compressed: Hex;
  /** Bytes of the libp2p PeerId, 39 of them. */
  readonly peerIdBytes: Hex;
  /** sha2-256 of `peerIdBytes`, which is what Identity stores. */
  readonly peerIdDigest: Hex;
  /** ECDSA over a 32-byte digest, nonce by RFC 6979, low s: 65 bytes r, s, v with v 27 or 28. */
  sign(digest: Hex): Hex;
}

/** The signer of a device's 32 secret bytes. Throws ChainError when they are no valid key. */
export function deviceSigner(secret: Uint8Array): DeviceSigner {
  if (!secp256k1.utils.isValidSecretKey(secret)) {
    throw new ChainError('invalid', 'The device key is damaged. Restore it from its backup.');
  }
  const kept = secret.slice();
  const point = secp256k1.getPublicKey(kept, false);
  const compressed = bytesToHex(secp256k1.getPublicKey(kept, true));
  const peerIdBytes = peerIdBytesOf(compressed);
  return {
    address: addressOfPoint(point),
    x: bytesToHex(point.subarray(1, 33)),
    y: bytesToHex(point.subarray(33)),
    compressed,
    peerIdBytes,
    peerIdDigest: sha256(peerIdBytes),
    sign(digest) {
      // noble puts the recovery bit first; Ethereum wants 27 or 28 last.
      const made = secp256k1.sign(hexToBytes(digest), kept, { prehash: false, format: 'recovered' });
      return bytesToHex(Uint8Array.of(...made.subarray(1), 27 + (made[0] ?? 0)));
    },
  };
}

/**
 * PeerId bytes of a compressed secp256k1 point: an identity multihash (code 0x00, length 0x25) over the libp2p PublicKey
 * protobuf, whose fields are type 2 (08 02) and 33 bytes of key (12 21). See libp2p's specification of peer ids.
 */
export function peerIdBytesOf(compressed: Hex): Hex {
  return concat(['0x002508021221', compressed]);
}

/** EVM address of an uncompressed point (65 bytes), lower case. */
function addressOfPoint(point: Uint8Array): Hex {
  return `0x${keccak256(point.subarray(1)).slice(-40)}`;
}
