import { CID } from 'multiformats/cid';
import { create } from 'multiformats/hashes/digest';
import { CHUNK_BYTES, MOST_CHUNKS, MOST_WHOLE_BYTES, manifestBytes } from '../../protocol/file-manifest.ts';
import { DAG_CBOR, RAW } from '../messages/rollouts.ts';
import { ContentError } from './content-error.ts';

/** Bytes of every chunk of a file except the last one. */
export const CHUNK = CHUNK_BYTES;
/** Chunks of the largest file: 4 GiB. */
export const MAX_CHUNKS = MOST_CHUNKS;
/** Bytes of the largest object. */
export const MAX_OBJECT = MOST_WHOLE_BYTES;

/** Computes sha2-256. */
export type Hash = (bytes: Uint8Array) => Promise<Uint8Array>;

/** WebCrypto's SHA-256. It runs off the calling thread, and needs a secure context (https or localhost). */
export const webHash: Hash = async (bytes) =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));

/** A file's size and the sha2-256 of each of its chunks. */
export interface Manifest {
  readonly size: number;
  /** 32 bytes a chunk. */
  readonly hashes: Uint8Array;
}

export function chunkCount({ size }: Pick<Manifest, 'size'>): number {
  return Math.ceil(size / CHUNK);
}

export function chunkLength({ size }: Manifest, index: number): number {
  return Math.min(CHUNK, size - index * CHUNK);
}

export function chunkHash({ hashes }: Manifest, index: number): Uint8Array {
  return hashes.subarray(32 * index, 32 * index + 32);
}

/** 8 bytes of size, big-endian, then the hashes. */
export function encodeManifest({ size, hashes }: Manifest): Uint8Array {
  return manifestBytes(size, hashes);
}

/**
 * Throws ContentError when the bytes are no manifest of a file of up to `maxBytes`. Defaults to 4 GiB, the
 * largest file of all.
 */
export function decodeManifest(bytes: Uint8Array, maxBytes = MAX_CHUNKS * CHUNK): Manifest {
  if (bytes.length < 8) throw new ContentError('A manifest has at least 8 bytes.');
  const size = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0);
  if (size > BigInt(MAX_CHUNKS * CHUNK)) throw new ContentError('The manifest is of a file over 4 GiB.');
  if (size > BigInt(maxBytes)) {
    throw new ContentError(`The manifest is of a file of ${size} bytes, and at most ${maxBytes} are taken.`);
  }
  const manifest = { size: Number(size), hashes: bytes.slice(8) };
  if (manifest.hashes.length !== 32 * chunkCount(manifest)) {
    throw new ContentError('The manifest has another number of hashes than chunks.');
  }
  return manifest;
}

/** The manifest of a file in memory. */
export async function manifestOf(bytes: Uint8Array, hash: Hash): Promise<Manifest> {
  const read = async (at: number, length: number) => bytes.subarray(at, at + length);
  return manifestOfFile({ size: bytes.length, read }, hash);
}

/**
 * The manifest of a file that is read chunk by chunk. Throws ContentError for a file over 4 GiB, or one whose
 * bytes are not there.
 */
export async function manifestOfFile(
  file: {
    readonly size: number;
    /** Undefined when the bytes are not there. */
    readonly read: (offset: number, length: number) => Promise<Uint8Array | undefined>;
  },
  hash: Hash,
): Promise<Manifest> {
  const { size } = file;
  const count = chunkCount({ size });
  if (count > MAX_CHUNKS) throw new ContentError('A published file has at most 4 GiB.');
  const hashes = new Uint8Array(32 * count);
  for (let index = 0; index < count; index++) {
    const at = index * CHUNK;
    const chunk = await file.read(at, Math.min(CHUNK, size - at));
    if (chunk === undefined) throw new ContentError('The file ended while it was read. Publish it again.');
    hashes.set(await hash(chunk), 32 * index);
  }
  return { size, hashes };
}

/** CIDv1 text over a sha2-256 digest. */
export function cidFromDigest(digest: Uint8Array, code: number): string {
  return CID.createV1(code, create(0x12, digest)).toString();
}

/**
 * What a CID names: a dag-cbor object by its hash, or a raw file by the hash of its manifest. Throws
 * ContentError.
 */
export function parseCid(text: string): {
  readonly kind: 'object' | 'file';
  readonly digest: Uint8Array;
  readonly bytes: Uint8Array;
} {
  let cid: CID;
  try {
    cid = CID.parse(text);
  } catch {
    throw new ContentError(`${text} is not a CID.`);
  }
  const isOurs = cid.version === 1 && cid.multihash.code === 0x12 && cid.multihash.size === 32;
  if (!isOurs || (cid.code !== DAG_CBOR && cid.code !== RAW)) {
    throw new ContentError(`${text} is not a CIDv1 of dag-cbor or raw with sha2-256.`);
  }
  return { kind: cid.code === RAW ? 'file' : 'object', digest: cid.multihash.digest, bytes: cid.bytes };
}
