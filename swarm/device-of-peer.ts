import { base58btc } from 'multiformats/bases/base58';
import { addressOf, peerIdOf } from '../protocol/device-key.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import { BoundedMap } from './bounded-map.ts';

const PUBLIC_KEY_AT = 6;
const MAX_KEPT = 2048;

/** Device addresses of PeerIds. Keeps the last 2,048, because a curve point takes a fraction of a ms. */
export class DevicesOfPeers {
  readonly #kept = new BoundedMap<string, DeviceAddress | null>(MAX_KEPT);

  /** The address of the device with this PeerId. Null for a PeerId that no device has. */
  of(peerId: string): DeviceAddress | null {
    const kept = this.#kept.get(peerId);
    if (kept !== undefined) return kept;
    const device = deviceOf(peerId);
    this.#kept.set(peerId, device);
    return device;
  }
}

function deviceOf(peerId: string): DeviceAddress | null {
  const publicKey = publicKeyOf(peerId);
  if (publicKey === null) return null;
  try {
    return addressOf(publicKey);
  } catch {
    return null;
  }
}

/**
 * The 33-byte public key inside a PeerId, which may be no point of the curve. Null for one of another kind.
 */
export function publicKeyOf(peerId: string): Uint8Array | null {
  try {
    const publicKey = base58btc.baseDecode(peerId).subarray(PUBLIC_KEY_AT);
    return peerIdOf(publicKey) === peerId ? publicKey : null;
  } catch {
    return null;
  }
}
