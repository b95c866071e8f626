import type { Multiaddr } from '@multiformats/multiaddr';

/**
 * How far an IP address reaches. `special` ones name no single machine, or hide another address inside.
 * IANA's registries of special-purpose addresses (RFC 6890) say which is which.
 */
export type AddressScope = 'public' | 'private' | 'link-local' | 'loopback' | 'special';

/** Codes of the multiaddr table (https://github.com/multiformats/multiaddr/blob/master/protocols.csv). */
const IP4 = 4;
const IP6 = 41;

/** The scope of the IP address that a multiaddr begins with. Null when it begins with something else. */
export function scopeOf({ bytes }: Multiaddr): AddressScope | null {
  if (bytes[0] === IP4) return scopeOfIp4(bytes.subarray(1, 5));
  return bytes[0] === IP6 ? scopeOfIp6(bytes.subarray(1, 17)) : null;
}

function scopeOfIp4(bytes: Uint8Array): AddressScope {
  const [a = 0, b = 0, c = 0] = bytes;
  if (a === 127) return 'loopback';
  if (a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168)) return 'private';
  // Shared by the customers of one provider (RFC 6598).
  if (a === 100 && b >= 64 && b < 128) return 'private';
  // The metadata services of clouds are here as well.
  if (a === 169 && b === 254) return 'link-local';
  const isSpecial = a === 0 || a >= 224 || (a === 192 && b === 0 && c === 0) || (a === 198 && b >> 1 === 9);
  return isSpecial ? 'special' : 'public';
}

function scopeOfIp6(bytes: Uint8Array): AddressScope {
  const startsWith = (...prefix: readonly number[]): boolean => prefix.every((byte, i) => bytes[i] === byte);
  const zeros = (from: number, to: number): boolean => bytes.subarray(from, to).every((byte) => byte === 0);
  const [a = 0, b = 0] = bytes;
  if (zeros(0, 15)) return bytes[15] === 1 ? 'loopback' : 'special';
  // An IPv4 address inside: mapped (RFC 4291), translated (RFC 6052) and 6to4 (RFC 3056).
  if (zeros(0, 10) && bytes[10] === 255 && bytes[11] === 255) return scopeOfIp4(bytes.subarray(12));
  if (startsWith(0, 0x64, 0xff, 0x9b) && zeros(4, 12)) return scopeOfIp4(bytes.subarray(12));
  if (startsWith(0x20, 0x02)) return scopeOfIp4(bytes.subarray(2, 6));
  if (a === 0xfe && b >> 6 === 2) return 'link-local';
  if (a >> 1 === 0x7e || (a === 0xfe && b >> 6 === 3)) return 'private';
  // Teredo (RFC 4380) hides an address of its own. All other unicast is in 2000::/3.
  const isTeredo = startsWith(0x20, 0x01, 0, 0);
  return a >> 5 === 1 && !isTeredo ? 'public' : 'special';
}
