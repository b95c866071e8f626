/** One secp256k1 key, the two names that it gives a device, and its signatures. */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { base58btc } from 'multiformats/bases/base58';
import { concat, keccak, toHex } from './bytes.mjs';

/** [P-01] @param {Uint8Array} publicKey 33 bytes. @returns {Uint8Array} 20 bytes */
export function addressOf(publicKey) {
  const point = secp256k1.Point.fromBytes(publicKey).toBytes(false);
  return keccak(point.slice(1)).slice(-20);
}

/** [P-02] The 39 bytes of a PeerId. @param {Uint8Array} publicKey */
export function peerIdOf(publicKey) {
  return concat(Uint8Array.of(0x00, 0x25, 0x08, 0x02, 0x12, 0x21), publicKey);
}

/** @param {Uint8Array} peerId */
export function peerIdText(peerId) {
  return base58btc.baseEncode(peerId);
}

export class Identity {
  /** @param {Uint8Array} secret 32 bytes. */
  constructor(secret) {
    this.secret = secret;
    this.publicKey = secp256k1.getPublicKey(secret, true);
    this.address = addressOf(this.publicKey);
    this.name = toHex(this.address);
    this.peerId = peerIdOf(this.publicKey);
  }

  /** r then s, with low s; deterministic (RFC 6979). @param {Uint8Array} digest 32 bytes. */
  sign(digest) {
    return secp256k1.sign(digest, this.secret, { prehash: false, lowS: true });
  }

  /** r, s and v (27 or 28), as the EVM has it. @param {Uint8Array} digest */
  signRecoverable(digest) {
    const [recovery, ...rs] = secp256k1.sign(digest, this.secret, {
      prehash: false,
      lowS: true,
      format: 'recovered',
    });
    return Uint8Array.of(...rs, 27 + recovery);
  }
}

/** Whether 64 bytes r, s with a low s are the key's signature. */
export function verify(signature, digest, publicKey) {
  try {
    return secp256k1.verify(signature, digest, publicKey, { prehash: false, lowS: true });
  } catch {
    return false;
  }
}

/** Whether 65 bytes r, s, v are the signature of the device with that address. */
export function verifyRecoverable(signature, digest, address) {
  try {
    const recovery = signature[64] - 27;
    if (recovery !== 0 && recovery !== 1) return false;
    const recovered = Uint8Array.of(recovery, ...signature.slice(0, 64));
    const publicKey = secp256k1.recoverPublicKey(recovered, digest, { prehash: false });
    return (
      toHex(addressOf(publicKey)) === toHex(address) && verify(signature.slice(0, 64), digest, publicKey)
    );
  } catch {
    return false;
  }
}
