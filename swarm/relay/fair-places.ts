import type { Multiaddr } from '@multiformats/multiaddr';

/** How many places there are, and how strangers share them. All are counts. */
export interface PlaceLimits {
  readonly places: number;
  /** Most places that one address prefix may hold. */
  readonly perPrefix: number;
  /** The last places. Only a prefix that holds fewer than `fewPerPrefix` places gets one of them. */
  readonly reserve: number;
  readonly fewPerPrefix: number;
}

/**
 * Whether a newcomer from `prefix` gets a place, when `held` has the prefix of every place that is taken.
 * Keys are free and addresses are not, so places are shared by address and not by key.
 */
export function hasPlace(limits: PlaceLimits, prefix: string, held: readonly string[]): boolean {
  const free = limits.places - held.length;
  if (free <= 0) return false;
  const own = held.filter((other) => other === prefix).length;
  return own < (free <= limits.reserve ? Math.min(limits.fewPerPrefix, limits.perPrefix) : limits.perPrefix);
}

/** Codes of the multiaddr table (https://github.com/multiformats/multiaddr/blob/master/protocols.csv). */
const IP4 = 4;
const IP6 = 41;

/**
 * What one party easily has many addresses of: an IPv4 /24 or an IPv6 /48, as text. IPv4 mapped into IPv6
 * (RFC 4291, section 2.5.5.2) counts as IPv4. All other addresses share one prefix.
 */
export function addressPrefix({ bytes }: Multiaddr): string {
  if (bytes[0] === IP4) return `4:${bytes.subarray(1, 4).join('.')}`;
  if (bytes[0] !== IP6) return 'other';
  const address = bytes.subarray(1, 17);
  const isMapped =
    address.subarray(0, 10).every((byte) => byte === 0) && address[10] === 255 && address[11] === 255;
  return isMapped ? `4:${address.subarray(12, 15).join('.')}` : `6:${address.subarray(0, 6).join('.')}`;
}
