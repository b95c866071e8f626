import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { type DeviceKey, peerIdBytesOf } from '../../protocol/device-key.ts';
import { toHex } from '../../protocol/hex.ts';
import type { BindingOffer } from './volunteer-port.ts';

/**
 * How the Identity contract names a device: by its address, by the SHA-256 of its PeerId, and by the public
 * key that both follow from.
 */
export function bindingKeys(key: DeviceKey): Pick<BindingOffer, 'device' | 'peerId' | 'publicKey'> {
  const point = secp256k1.Point.fromBytes(key.publicKey).toBytes(false);
  return {
    device: key.address,
    peerId: toHex(sha256(peerIdBytesOf(key.publicKey))),
    publicKey: { x: toHex(point.subarray(1, 33)), y: toHex(point.subarray(33, 65)) },
  };
}
