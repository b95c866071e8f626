import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { equalBytes } from '../../protocol/bytes.ts';
import {
  CHUNK,
  chunkCount,
  chunkHash,
  chunkLength,
  decodeManifest,
  encodeManifest,
  type Manifest,
  parseCid,
} from '../../swarm/content/manifest.ts';
import type { ContentStore } from '../../swarm/content/store.ts';
import { readIfThere, writeWhole } from '../home/files.ts';

/**
 * Content as it lies on the disk, with what is wrong with it; for a replay, which must look at damaged
 * content too.
 */
export interface StoredContent {
  readonly bytes: Uint8Array;
  /** Whether the bytes are those that the CID names. */
  readonly intact: boolean;
}

export interface FileContentStore extends ContentStore {
  /**
   * Whatever is stored under the CID, verified or not; undefined when nothing is. Throws ContentError on a
   * bad CID.
   */
  inspect(cid: string): Promise<StoredContent | undefined>;
  /** Whether a whole object or file is stored under the CID, as its length says. Hashes nothing. */
  isHere(cid: string): Promise<boolean>;
  /** CIDs of which something is stored. */
  list(): Promise<readonly string[]>;
}

/**
 * A content store in a folder: `<cid>.object` for an object, `<cid>.manifest` and `<cid>.file` for a file.
 * Every answer is hashed before it is given, so that a bad disk looks like missing content. There is no list
 * of chunks to keep in step: a chunk is held when its bytes hash to what the manifest says.
 */
export async function openFileContentStore(folder: string): Promise<FileContentStore> {
  await mkdir(folder, { recursive: true });
  const path = (cid: string, kind: 'object' | 'manifest' | 'file') => {
    parseCid(cid);
    return join(folder, `${cid}.${kind}`);
  };

  async function manifest(cid: string): Promise<Manifest | null> {
    const bytes = await readIfThere(path(cid, 'manifest'));
    if (bytes === undefined || !equalBytes(sha256(bytes), parseCid(cid).digest)) return null;
    return decodeManifest(bytes);
  }

  async function chunk(cid: string, known: Manifest, index: number): Promise<Uint8Array | null> {
    if (index >= chunkCount(known)) return null;
    const bytes = await readAt(path(cid, 'file'), index * CHUNK, chunkLength(known, index));
    return bytes !== null && equalBytes(sha256(bytes), chunkHash(known, index)) ? bytes : null;
  }

  return {
    async object(cid) {
      const bytes = await readIfThere(path(cid, 'object'));
      return bytes !== undefined && equalBytes(sha256(bytes), parseCid(cid).digest) ? bytes : null;
    },
    putObject: async (cid, bytes) => writeWhole(path(cid, 'object'), bytes),
    manifest,
    putManifest: async (cid, value) => writeWhole(path(cid, 'manifest'), encodeManifest(value)),
    async chunk(cid, index) {
      const known = await manifest(cid);
      return known === null ? null : chunk(cid, known, index);
    },
    async putChunk(cid, index, bytes) {
      // Not 'w', which would cut off the chunks already there.
      const file = await open(path(cid, 'file'), 'a').then(async (made) => {
        await made.close();
        return open(path(cid, 'file'), 'r+');
      });
      try {
        await file.write(bytes, 0, bytes.byteLength, index * CHUNK);
      } finally {
        await file.close();
      }
    },
    async held(cid) {
      const held = new Set<number>();
      const known = await manifest(cid);
      if (known === null) return held;
      for (let index = 0; index < chunkCount(known); index++)
        if ((await chunk(cid, known, index)) !== null) held.add(index);
      return held;
    },
    async delete(cid) {
      for (const kind of ['object', 'manifest', 'file'] as const) await rm(path(cid, kind), { force: true });
    },
    // Nothing is forgotten here except by `delete`.
    pin: async () => undefined,
    async inspect(cid) {
      const { kind, digest } = parseCid(cid);
      if (kind === 'object') {
        const bytes = await readIfThere(path(cid, 'object'));
        return bytes === undefined ? undefined : { bytes, intact: equalBytes(sha256(bytes), digest) };
      }
      const bytes = await readIfThere(path(cid, 'file'));
      if (bytes === undefined) return undefined;
      const known = await manifest(cid);
      const intact =
        known !== null &&
        known.size === bytes.byteLength &&
        Array.from({ length: chunkCount(known) }, (_, index) => index).every((index) =>
          equalBytes(sha256(bytes.subarray(index * CHUNK, (index + 1) * CHUNK)), chunkHash(known, index)),
        );
      return { bytes, intact };
    },
    async isHere(cid) {
      const sizeOf = async (kind: 'object' | 'file') =>
        (await stat(path(cid, kind)).catch(() => undefined))?.size;
      if (parseCid(cid).kind === 'object') return (await sizeOf('object')) !== undefined;
      const known = await manifest(cid);
      return known !== null && known.size === (await sizeOf('file'));
    },
    async list() {
      const names = await readdir(folder);
      return [...new Set(names.flatMap((name) => /^(.+)\.(?:object|manifest|file)$/.exec(name)?.[1] ?? []))];
    },
  };
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

/** `length` bytes at `offset`, or null when the file is absent or shorter. */
async function readAt(path: string, offset: number, length: number): Promise<Uint8Array | null> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  try {
    const bytes = new Uint8Array(length);
    const { bytesRead } = await file.read(bytes, 0, length, offset);
    return bytesRead === length ? bytes : null;
  } finally {
    await file.close();
  }
}
