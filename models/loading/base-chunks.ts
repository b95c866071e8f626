/**
 * A file of a base that comes in chunks, as members of a swarm pass it on (docs/protocol.md [P-94]). Chunks
 * come in any order, so the file has its whole size from the first one on, and hashes tell what is there.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { equalBytes } from '../../protocol/bytes.ts';
import { CHUNK_BYTES } from '../../protocol/file-manifest.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { SourceFile } from '../../protocol/swarm-spec.ts';
import { StorageError } from '../storage/directory.ts';
import { GIVEN, removeState, writeState } from './file-state.ts';
import type { FileStore, StoredFile } from './file-store.ts';
import { ModelLoadError } from './model-source.ts';

/** Bytes that are hashed at a time. */
const PIECE = 1 << 22;

/**
 * Indices of the chunks that are in the store and have their hash, whoever gave them. `hashes` has 32 bytes
 * for each chunk. Takes the room for the whole file. Throws ModelLoadError for hashes of another number of
 * chunks, StorageError, and the signal's reason.
 */
export async function heldChunks(
  store: FileStore,
  { path, size }: SourceFile,
  { hashes, signal }: { readonly hashes: Uint8Array; readonly signal?: AbortSignal | undefined },
): Promise<readonly number[]> {
  const count = Math.ceil(size / CHUNK_BYTES);
  if (hashes.length !== 32 * count) {
    throw new ModelLoadError(
      `The manifest that the swarm names for ${path} has ${hashes.length / 32} chunks and not ${count}; take another swarm`,
    );
  }
  // It would go on with a download from an address at the end of the file, where chunks may be missing.
  await removeState(store, path);
  return withFile(store, path, async (file) => {
    const present = Math.min(size, await file.size());
    const held: number[] = [];
    for (let index = 0; index < count; index++) {
      signal?.throwIfAborted();
      const [at, end] = [index * CHUNK_BYTES, Math.min(size, (index + 1) * CHUNK_BYTES)];
      if (end > present) break;
      const hash = sha256Of(await file.read(at, end - at));
      if (equalBytes(hash, hashes.subarray(32 * index, 32 * index + 32))) held.push(index);
    }
    await file.truncate(size);
    return held;
  });
}

/**
 * The file that chunks are written to now. It stays open from one chunk to the next, because opening a file
 * of the browser's storage takes as long as sending a chunk. It has a lock meanwhile, so it is closed when no
 * more chunks come.
 */
export class ChunkWriter {
  readonly #closeLater: (close: () => Promise<void>) => () => void;
  #open: { readonly key: string; readonly size: number; readonly file: StoredFile } | undefined;
  #cancel: () => void = () => undefined;
  /** The SHA-256 of the first chunks, while the file is open: then nobody else writes to it. */
  #begun: { readonly hash: BegunHash['hash']; next: number } | undefined;
  /** Chunks that are written behind those. */
  readonly #behind = new Set<number>();

  /** `closeLater` closes the file some time after a chunk, between two calls, and gives what prevents it. */
  constructor(closeLater: (close: () => Promise<void>) => () => void) {
    this.#closeLater = closeLater;
  }

  /**
   * Writes a chunk whose hash the caller has compared. `key` names the file over all folders, and `open`
   * opens its store when it is not open yet. One call after another. Throws StorageError.
   */
  async write(
    { path, size }: Pick<SourceFile, 'path' | 'size'>,
    { index, bytes }: { readonly index: number; readonly bytes: Uint8Array },
    { key, open }: { readonly key: string; readonly open: () => Promise<FileStore> },
  ): Promise<void> {
    const at = index * CHUNK_BYTES;
    if (!Number.isInteger(index) || index < 0 || bytes.length !== Math.min(CHUNK_BYTES, size - at)) {
      throw new RangeError(`${path} has no chunk ${index} of ${bytes.length} bytes.`);
    }
    this.#cancel();
    if (this.#open?.key !== key || this.#open.size !== size) {
      await this.close();
      this.#open = { key, size, file: await openFile(await open(), path) };
    }
    try {
      await this.#open.file.write(at, bytes);
      await this.#hash(this.#open, index, bytes);
    } finally {
      this.#cancel = this.#closeLater(() => this.close());
    }
  }

  /** Closes the file, if one is open. Resolves with its hash so far, if it is the one with this key. */
  async finish(key: string): Promise<BegunHash | undefined> {
    const [open, begun] = [this.#open, this.#begun];
    await this.close();
    if (open?.key !== key || begun === undefined) return undefined;
    return { hash: begun.hash, bytes: Math.min(open.size, begun.next * CHUNK_BYTES) };
  }

  async #hash(
    { file, size }: { readonly file: StoredFile; readonly size: number },
    index: number,
    bytes: Uint8Array,
  ): Promise<void> {
    // Of a chunk that is written again only the file itself says what it holds.
    const isAgain = this.#begun !== undefined && (index < this.#begun.next || this.#behind.has(index));
    if (isAgain) this.#forget();
    this.#begun ??= { hash: sha256.create(), next: 0 };
    const begun = this.#begun;
    if (index !== begun.next) {
      this.#behind.add(index);
      return;
    }
    begun.hash.update(bytes);
    for (begun.next++; this.#behind.delete(begun.next); begun.next++) {
      const at = begun.next * CHUNK_BYTES;
      begun.hash.update(await file.read(at, Math.min(CHUNK_BYTES, size - at)));
    }
  }

  #forget(): void {
    this.#begun = undefined;
    this.#behind.clear();
  }

  /** Closes the file, if one is open. */
  async close(): Promise<void> {
    this.#cancel();
    this.#forget();
    const file = this.#open?.file;
    this.#open = undefined;
    await file?.close();
  }
}

/** The SHA-256 of a file's first bytes. */
export interface BegunHash {
  readonly hash: ReturnType<typeof sha256.create>;
  /** How many they are: whole chunks, or all of the file. */
  readonly bytes: number;
}

export interface FinishOptions {
  /** What was hashed while the chunks came. It is used up. Defaults to nothing. */
  readonly begun?: BegunHash | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Compares the whole file with its SHA-256, after the last chunk. A file with another one is deleted: its
 * manifest was not of the file that the specification names, which throws ModelLoadError. Throws StorageError
 * and the signal's reason too.
 */
export async function finishChunks(
  store: FileStore,
  { path, size, sha256: expected }: SourceFile,
  { begun, signal }: FinishOptions = {},
): Promise<void> {
  const found = await withFile(store, path, async (file) => {
    const { hash, bytes } = begun ?? { hash: sha256.create(), bytes: 0 };
    for (let at = bytes; at < size; at += PIECE) {
      signal?.throwIfAborted();
      hash.update(await file.read(at, Math.min(PIECE, size - at)));
    }
    await file.flush();
    return bytesToHex(hash.digest());
  });
  if (`0x${found}` === expected) {
    await writeState(store, path, { url: GIVEN, verified: true, size, sha256: found });
    return;
  }
  await store.remove(path);
  throw new ModelLoadError(
    `The manifest that the swarm names for ${path} is of another file than its SHA-256; take another swarm, or choose the model's folder`,
  );
}

async function withFile<T>(
  store: FileStore,
  path: string,
  use: (file: StoredFile) => Promise<T>,
): Promise<T> {
  const file = await openFile(store, path);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

async function openFile(store: FileStore, path: string): Promise<StoredFile> {
  const file = await store.open(path, { create: true });
  if (file === undefined) throw new StorageError(`${path} could not be made in ${store.description}.`);
  return file;
}
