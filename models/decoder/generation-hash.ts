import { sha256 } from '@noble/hashes/sha2.js';
import { type Hex, toHex } from '../../protocol/hex.ts';
import type { Generation } from './generate.ts';

/**
 * What an answer is called by when two devices compare: the SHA-256 of its token ids (u32, little-endian) and then the
 * log-probability of each (f32, little-endian). One other bit anywhere gives another hash.
 */
export function generationHash({ tokens, logprobs }: Generation): Hex {
  const view = new DataView(new ArrayBuffer(4 * (tokens.length + logprobs.length)));
  for (const [i, id] of tokens.entries()) view.setUint32(4 * i, id, true);
  for (const [i, value] of logprobs.entries()) view.setFloat32(4 * (tokens.length + i), value, true);
  return toHex(sha256(new Uint8Array(view.buffer)));
}
