import { sha256 } from '@noble/hashes/sha2.js';

/** SHA-256 of all parts in order, as of one byte string: 32 bytes. */
export function sha256Of(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = sha256.create();
  for (const part of parts) hash.update(part);
  return hash.digest();
}
