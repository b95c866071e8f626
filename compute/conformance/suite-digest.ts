import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { EXPECTED } from './expected.ts';

let known: `0x${string}` | undefined;

/**
 * Identifies the bits that the gate expects: SHA-256 over "name TAB digest LF" of every case, sorted by name.
 */
export function suiteDigest(): `0x${string}` {
  if (known === undefined) {
    const lines = Object.entries(EXPECTED)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, digest]) => `${name}\t${digest}\n`);
    known = `0x${bytesToHex(sha256(new TextEncoder().encode(lines.join(''))))}`;
  }
  return known;
}
