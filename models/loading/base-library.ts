/** The base models of swarms on this device, each in a folder that its root names. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { SerialQueue } from '../../protocol/serial-queue.ts';
import type { SourceFile } from '../../protocol/swarm-spec.ts';
import { type BegunHash, ChunkWriter, finishChunks, heldChunks } from './base-chunks.ts';
import { checkBaseRoot, type FilesBase, fetchNamedFile } from './base-files.ts';
import { GIVEN, readState, removeState, writeState } from './file-state.ts';
import type { FileStore } from './file-store.ts';
import { EMPTY_RECORD, readRecord, writeRecord } from './library-record.ts';
import type { ModelDirectory } from './model-directory.ts';
import { ModelLoadError, type ModelSource } from './model-source.ts';
import { noRoom } from './no-room.ts';

export interface BaseLibraryOptions {
  /** The folders of all models on this device. */
  readonly directory: ModelDirectory;
  /** Bytes that can still be stored. Undefined when the browser does not tell. Defaults to unknown. */
  readonly room?: () => Promise<number | undefined>;
  /** Defaults to the platform's `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** Waits between attempts at one address, in ms. Tests inject their own. */
  readonly wait?: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  /** Runs something later, and gives what prevents it. Defaults to setTimeout. Tests inject their own. */
  readonly after?: (milliseconds: number, run: () => void) => () => void;
}

/** How much of a base is on this device. */
export type ObtainedBase =
  /** Every file. `id` is the folder, as in ModelLibrary. */
  | { readonly kind: 'whole'; readonly id: string; readonly files: readonly string[] }
  | { readonly kind: 'missing'; readonly files: readonly MissingFile[] };

export interface MissingFile {
  readonly path: string;
  /** Why no address gave it, for people. */
  readonly reason: string;
}

export interface ObtainOptions {
  /** Bytes of the whole model that are here. */
  readonly onProgress?: (bytes: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** Bytes that are copied at a time. */
const PIECE = 1 << 22;

/** How long a file stays open after a chunk, in ms. */
const IDLE_MS = 250;

/** A file of a base that members give in chunks. */
export interface ChunkedFile {
  readonly base: FilesBase;
  readonly path: string;
}

export class BaseLibrary {
  readonly #options: BaseLibraryOptions;
  /** Chunks come from several members at once, and a file has one writer. */
  readonly #chunks = new SerialQueue();
  readonly #writer: ChunkWriter;

  constructor(options: BaseLibraryOptions) {
    this.#options = options;
    const { after = afterTimeout } = options;
    this.#writer = new ChunkWriter((close) =>
      // What cannot be closed has no lock any more.
      after(IDLE_MS, () => void this.#chunks.run(close).catch(() => undefined)),
    );
  }

  /**
   * Fetches what is missing of a base from the addresses that its swarm names, and goes on where an earlier
   * call ended. A model of the same root that is here already is taken as it is. Throws ModelLoadError before
   * a download when the files do not have the root that the swarm names, or when there is no room;
   * StorageError; and the signal's reason.
   */
  async obtain(base: FilesBase, options: ObtainOptions = {}): Promise<ObtainedBase> {
    checkBaseRoot(base);
    await this.#chunks.run(() => this.#writer.close());
    const found = await this.#withRoot(base);
    if (found !== undefined) return found;
    const store = await this.#open(base);
    const missing = await missingFiles(store, base);
    await this.#checkRoom(base, store, missing);
    const reasons: MissingFile[] = [];
    let bytes = totalOf(base) - missing.reduce((sum, { size }) => sum + size, 0);
    for (const file of missing) {
      options.signal?.throwIfAborted();
      try {
        const before = bytes;
        await fetchNamedFile({
          ...{ file, name: file.path, store, fetch: this.#options.fetch, wait: this.#options.wait },
          onProgress: (done) => options.onProgress?.(before + done, totalOf(base)),
          signal: options.signal,
        });
        bytes += file.size;
      } catch (error) {
        options.signal?.throwIfAborted();
        if (!(error instanceof ModelLoadError)) throw error;
        reasons.push({ path: file.path, reason: error.message });
      }
    }
    return this.#finish(base, store, reasons);
  }

  /**
   * Copies what is missing of a base from a source that has some of its files, each checked by size and
   * SHA-256. Throws ModelLoadError for another file of the same name, for a wrong root, and when there is no
   * room; StorageError; and the signal's reason.
   */
  async take(base: FilesBase, source: ModelSource, options: ObtainOptions = {}): Promise<ObtainedBase> {
    checkBaseRoot(base);
    await this.#chunks.run(() => this.#writer.close());
    const found = await this.#withRoot(base);
    if (found !== undefined) return found;
    const store = await this.#open(base);
    const missing = await missingFiles(store, base);
    await this.#checkRoom(base, store, missing);
    let bytes = totalOf(base) - missing.reduce((sum, { size }) => sum + size, 0);
    for (const file of missing) {
      const copied = await copyFile({ file, source, store, signal: options.signal });
      if (!copied) continue;
      bytes += file.size;
      options.onProgress?.(bytes, totalOf(base));
    }
    return this.#finish(base, store, []);
  }

  /**
   * Indices of the chunks that are here of a file that members give in chunks. `hashes` are those of its
   * manifest, 32 bytes each. Throws ModelLoadError, StorageError, and the signal's reason.
   */
  heldChunks(
    { base, path, hashes }: ChunkedFile & { readonly hashes: Uint8Array },
    signal?: AbortSignal,
  ): Promise<readonly number[]> {
    return this.#withChunked({ base, path }, (store, file) => heldChunks(store, file, { hashes, signal }));
  }

  /** Writes a chunk whose hash was compared. Throws ModelLoadError and StorageError. */
  putChunk({
    base,
    path,
    index,
    bytes,
  }: ChunkedFile & { readonly index: number; readonly bytes: Uint8Array }): Promise<void> {
    return this.#chunks.run(() => {
      const file = chunkedFile({ base, path });
      const key = keyOf({ base, path });
      return this.#writer.write(file, { index, bytes }, { key, open: () => this.#open(base) });
    });
  }

  /**
   * Compares a file with its SHA-256 once all its chunks are here. Throws ModelLoadError for another file,
   * StorageError, and the signal's reason.
   */
  finishChunks({ base, path }: ChunkedFile, signal?: AbortSignal): Promise<ObtainedBase> {
    return this.#withChunked({ base, path }, async (store, file, begun) => {
      await finishChunks(store, file, { begun, signal });
      return this.#finish(base, store, []);
    });
  }

  #withChunked<T>(
    { base, path }: ChunkedFile,
    use: (store: FileStore, file: SourceFile, begun: BegunHash | undefined) => Promise<T>,
  ): Promise<T> {
    return this.#chunks.run(async () => {
      const file = chunkedFile({ base, path });
      const begun = await this.#writer.finish(keyOf({ base, path }));
      return use(await this.#open(base), file, begun);
    });
  }

  async #open(base: FilesBase): Promise<FileStore> {
    const store = await this.#options.directory.open(idOf(base));
    if ((await readRecord(store)) === undefined) await writeRecord(store, recordOf(base));
    return store;
  }

  /** The model of that root which is whole, from wherever it was downloaded. */
  async #withRoot({ root, files }: FilesBase): Promise<ObtainedBase | undefined> {
    const { directory } = this.#options;
    for (const id of await directory.list()) {
      const store = await directory.open(id);
      if ((await readRecord(store))?.root !== root) continue;
      const there = await Promise.all(files.map(({ path }) => directory.reader(id, path)));
      const isWhole = files.every(({ size }, at) => there[at]?.size === size);
      if (isWhole) return { kind: 'whole', id, files: files.map(({ path }) => path) };
    }
    return undefined;
  }

  async #checkRoom(base: FilesBase, store: FileStore, missing: readonly SourceFile[]): Promise<void> {
    const room = await this.#options.room?.();
    if (room === undefined) return;
    let needed = 0;
    for (const { path, size } of missing) {
      const reader = await this.#options.directory.reader(idOf(base), path);
      needed += size - Math.min(size, reader?.size ?? 0);
    }
    if (needed <= room) return;
    await writeRecord(store, recordOf(base));
    throw noRoom(needed, room);
  }

  async #finish(base: FilesBase, store: FileStore, reasons: readonly MissingFile[]): Promise<ObtainedBase> {
    const missing = await missingFiles(store, base);
    if (missing.length > 0) {
      return {
        kind: 'missing',
        files: missing.map(
          ({ path }) =>
            reasons.find((each) => each.path === path) ?? { path, reason: `${path} is not on this device` },
        ),
      };
    }
    const files = base.files.map(({ path }) => path);
    await writeRecord(store, { ...recordOf(base), root: base.root, verifiedBy: 'swarm', files });
    return { kind: 'whole', id: idOf(base), files };
  }
}

/** Throws ModelLoadError when the base has another root than it says, or no such file. */
function chunkedFile({ base, path }: ChunkedFile): SourceFile {
  checkBaseRoot(base);
  const file = base.files.find((each) => each.path === path);
  if (file === undefined) throw new ModelLoadError(`${base.name} has no file ${path}; take another swarm`);
  return file;
}

/** Names the file over the folders of all bases. */
function keyOf({ base, path }: ChunkedFile): string {
  return `${base.root}/${path}`;
}

function afterTimeout(milliseconds: number, run: () => void): () => void {
  const timer = setTimeout(run, milliseconds);
  return () => clearTimeout(timer);
}

/** The folder of a base. */
function idOf({ root }: FilesBase): string {
  return root.slice(2, 34);
}

function recordOf(base: FilesBase) {
  return { ...EMPTY_RECORD, url: null, name: base.name, total: totalOf(base) };
}

function totalOf({ files }: FilesBase): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

/** The files that are not here as a whole, with the hash that the swarm names. */
async function missingFiles(store: FileStore, { files }: FilesBase): Promise<readonly SourceFile[]> {
  const missing: SourceFile[] = [];
  for (const file of files) {
    const state = await readState(store, file.path);
    const opened = state?.sha256 === file.sha256.slice(2) ? await store.open(file.path) : undefined;
    const size = await opened?.size();
    await opened?.close();
    if (size !== file.size) missing.push(file);
  }
  return missing;
}

/** Copies one file. False when the source has none of that name. */
async function copyFile(o: {
  readonly file: SourceFile;
  readonly source: ModelSource;
  readonly store: FileStore;
  readonly signal: AbortSignal | undefined;
}): Promise<boolean> {
  const { file, source, store, signal } = o;
  const { path, size } = file;
  const given = await source.open(path, signal);
  if (given === undefined) return false;
  const other = new ModelLoadError(
    `${path} in ${source.description} is not the file that the swarm names; give the model that the swarm starts from`,
  );
  if (given.size !== size) throw other;
  await removeState(store, path);
  const opened = await store.open(path, { create: true });
  const hash = sha256.create();
  try {
    await opened?.truncate(0);
    for (let at = 0; at < size; at += PIECE) {
      signal?.throwIfAborted();
      const piece = await given.read(at, Math.min(PIECE, size - at), signal);
      hash.update(piece);
      await opened?.write(at, piece);
    }
    await opened?.flush();
  } finally {
    await opened?.close();
  }
  const found = bytesToHex(hash.digest());
  if (`0x${found}` !== file.sha256) {
    await store.remove(path);
    throw other;
  }
  await writeState(store, path, { url: GIVEN, verified: true, size, sha256: found });
  return true;
}
