/**
 * How a file is named that travels in chunks: by the SHA-256 of its manifest, which has its size and the
 * SHA-256 of every chunk (docs/protocol.md [P-94]).
 */
import { CID } from 'multiformats/cid';
import { create } from 'multiformats/hashes/digest';

/** Bytes of every chunk of a file except the last one. */
export const CHUNK_BYTES = 256 * 1024;
/** Chunks of the largest file. */
export const MOST_CHUNKS = 16_384;
/** Bytes of the largest file that travels in chunks: 4 GiB. */
export const MOST_FILE_BYTES = MOST_CHUNKS * CHUNK_BYTES;
/** Bytes of the largest file that travels as a whole, by its own SHA-256. */
export const MOST_WHOLE_BYTES = 1024 * 1024;
/** The CID code of raw bytes. */
export const RAW_CODE = 0x55;

/** 8 bytes of size, big-endian, then the hashes, 32 bytes a chunk. */
export function manifestBytes(size: number, hashes: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + hashes.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(size));
  bytes.set(hashes, 8);
  return bytes;
}

/** Computes a file's name from its bytes as they come, in any pieces. */
export class ManifestBuilder {
  readonly #hashes: Uint8Array[] = [];
  #rest = new Uint8Array();
  #size = 0;

  /** Takes the next bytes of the file. */
  async update(piece: Uint8Array): Promise<void> {
    this.#size += piece.length;
    const bytes = new Uint8Array(this.#rest.length + piece.length);
    bytes.set(this.#rest);
    bytes.set(piece, this.#rest.length);
    let at = 0;
    for (; bytes.length - at >= CHUNK_BYTES; at += CHUNK_BYTES) {
      this.#hashes.push(await sha256(bytes.subarray(at, at + CHUNK_BYTES)));
    }
    this.#rest = bytes.slice(at);
  }

  /** The manifest of all bytes so far. */
  async bytes(): Promise<Uint8Array> {
    const hashes = [...this.#hashes];
    if (this.#rest.length > 0) hashes.push(await sha256(this.#rest));
    const all = new Uint8Array(32 * hashes.length);
    for (const [index, hash] of hashes.entries()) all.set(hash, 32 * index);
    return manifestBytes(this.#size, all);
  }

  /** The CIDv1 (raw, sha2-256) of that manifest. */
  async cid(): Promise<string> {
    return CID.createV1(RAW_CODE, create(0x12, await sha256(await this.bytes()))).toString();
  }
}

async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
}
