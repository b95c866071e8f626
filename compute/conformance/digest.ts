import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { TensorData } from '../engines/tensor-data.ts';

/**
 * 64 bits of SHA-256 over the outputs' little-endian words, in hex: enough to tell a wrong device from a
 * right one.
 */
export function digestOf(outputs: readonly TensorData[]): string {
  const hash = sha256.create();
  for (const { buffer, byteOffset, byteLength } of outputs) {
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return bytesToHex(hash.digest().subarray(0, 8));
}
