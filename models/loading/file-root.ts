/** The root of a set of model files: one hash that changes with any bit of any file. */
import { concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { type Hex, toHex } from '../../protocol/hex.ts';
import { leafHash, merkleRoot } from '../../protocol/merkle.ts';
import { compareNames } from '../checkpoint/safetensors.ts';
import { ModelLoadError } from './model-source.ts';

export interface HashedFile {
  readonly name: string;
  readonly size: number;
  /** 64 lower-case hex digits. */
  readonly sha256: string;
}

/**
 * The RFC 6962 tree root over the files in byte order of their names. A leaf consists of the UTF-8 name,
 * 0x00, the size as u64 little-endian, and the 32 bytes of the file's SHA-256.
 */
export function filesRoot(files: readonly HashedFile[]): Hex {
  const sorted = [...files].sort((a, b) => compareNames(a.name, b.name));
  const leaves = sorted.map(({ name, size, sha256 }) => {
    const length = new Uint8Array(8);
    new DataView(length.buffer).setBigUint64(0, BigInt(size), true);
    return leafHash(concatBytes(utf8ToBytes(name), Uint8Array.of(0), length, hexToBytes(sha256)));
  });
  return toHex(merkleRoot(leaves));
}

/**
 * Hashes by file name, from the output of `sha256sum *`. Throws ModelLoadError for any other line, or a
 * repeated name.
 */
export function parseHashes(text: string): ReadonlyMap<string, string> {
  const hashes = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const match = /^([0-9a-f]{64}) [ *]([A-Za-z0-9][A-Za-z0-9._-]{0,127})\r?$/.exec(line);
    const [, hash, name] = match ?? [];
    if (hash === undefined || name === undefined || hashes.has(name)) {
      throw new ModelLoadError(
        `${JSON.stringify(line.slice(0, 80))} is no line of sha256sum; make the list again`,
      );
    }
    hashes.set(name, hash);
  }
  return hashes;
}
