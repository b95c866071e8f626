import { sha256 } from '@noble/hashes/sha2.js';
import { type Hex, toHex } from '../../protocol/hex.ts';
import type { Generation } from './generate.ts';

/**
 * The hash by which two devices compare answers: the SHA-256 of the token ids (u32, little-endian) and then
 * of their log-probabilities (f32, little-endian). A single other bit gives another hash.
 */
export function generationHash({ tokens, logprobs }: Generation): Hex {
  const view = new DataView(new ArrayBuffer(4 * (tokens.length + logprobs.length)));
  for (const [i, id] of tokens.entries()) view.setUint32(4 * i, id, true);
  for (const [i, value] of logprobs.entries()) view.setFloat32(4 * (tokens.length + i), value, true);
  return toHex(sha256(new Uint8Array(view.buffer)));
}
