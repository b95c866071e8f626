import { equalBytes } from '../../protocol/bytes.ts';
import { must } from '../../protocol/must.ts';
import { SerialQueue } from '../../protocol/serial-queue.ts';
import {
  chunkCount,
  chunkHash,
  chunkLength,
  decodeManifest,
  encodeManifest,
  type Hash,
  type Manifest,
  parseCid,
  webHash,
} from '../content/manifest.ts';
import type { ContentStore } from '../content/store.ts';
import { type BlockFiles, BlockStoreFullError, isFull } from './block-files.ts';

interface Entry {
  manifest: Manifest | null;
  readonly chunks: Set<number>;
  /** Bytes of the object, if it is one. */
  object: number | null;
}

export interface DirectoryContentOptions {
  readonly files: BlockFiles;
  /** Most bytes of content. Names and file systems take some more. */
  readonly quotaBytes: number;
  /** Defaults to `webHash`. */
  readonly hash?: Hash;
  /**
   * What a file takes of the quota: its whole size from its manifest on, or the chunks that are here, where
   * files may stay in parts. Defaults to `files`.
   */
  readonly reserves?: 'files' | 'chunks';
}

/**
 * Content in files: `<cid>.manifest`, `<cid>.<index>` for each chunk, and `<cid>.object`. What a `put` has
 * resolved for is on the medium. A file is hashed whenever it is read, so a damaged one is never given back:
 * it is removed and counts as absent, and only that chunk is fetched again. A file's whole size is reserved
 * with its manifest, so a store that is too small refuses before the first chunk, unless it `reserves`
 * chunks. It forgets nothing by itself.
 */
export class DirectoryContent implements ContentStore {
  readonly #files: BlockFiles;
  readonly #hash: Hash;
  readonly #reserves: 'files' | 'chunks';
  readonly #entries = new Map<string, Entry>();
  /** One writer at a time. */
  readonly #writes = new SerialQueue();
  #quota: number;
  #damaged = 0;

  private constructor({ files, quotaBytes, hash = webHash, reserves = 'files' }: DirectoryContentOptions) {
    this.#files = files;
    this.#reserves = reserves;
    this.#quota = quotaBytes;
    this.#hash = hash;
  }

  /** Opens a folder. Manifests that do not verify, and chunks without one, are removed. */
  static async open(options: DirectoryContentOptions): Promise<DirectoryContent> {
    const store = new DirectoryContent(options);
    await store.#readFolder();
    return store;
  }

  /** Bytes of all content, of files that are not whole yet too. */
  get usedBytes(): number {
    let used = 0;
    for (const entry of this.#entries.values()) used += this.#fileBytes(entry) + (entry.object ?? 0);
    return used;
  }

  #fileBytes({ manifest, chunks }: Entry): number {
    if (manifest === null) return 0;
    if (this.#reserves === 'files') return manifest.size;
    let bytes = 0;
    for (const index of chunks) bytes += chunkLength(manifest, index);
    return bytes;
  }

  get quotaBytes(): number {
    return this.#quota;
  }

  set quotaBytes(bytes: number) {
    this.#quota = bytes;
  }

  /** Files that were found damaged since the store was opened. */
  get damaged(): number {
    return this.#damaged;
  }

  /** CIDs of which there is anything. */
  cids(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** Whether every chunk of a file was written. */
  isWhole(cid: string): boolean {
    const entry = this.#entries.get(cid);
    return entry?.manifest != null && entry.chunks.size === chunkCount(entry.manifest);
  }

  /** Reads a file's chunks and removes the damaged ones, as after a crash in the middle of a download. */
  async verify(cid: string): Promise<void> {
    for (const index of this.#entries.get(cid)?.chunks ?? []) await this.chunk(cid, index);
  }

  async object(cid: string): Promise<Uint8Array | null> {
    const entry = this.#entries.get(cid);
    if (entry?.object == null) return null;
    const bytes = await this.#readVerified(`${cid}.object`, parseCid(cid).digest);
    if (bytes === null) entry.object = null;
    return bytes;
  }

  async putObject(cid: string, bytes: Uint8Array): Promise<void> {
    await this.#writes.run(async () => {
      const entry = this.#entries.get(cid);
      if (entry?.object != null) return;
      this.#reserve(bytes.length);
      await this.#write(`${cid}.object`, bytes);
      this.#entry(cid).object = bytes.length;
    });
  }

  async manifest(cid: string): Promise<Manifest | null> {
    return this.#entries.get(cid)?.manifest ?? null;
  }

  /** Rejects with BlockStoreFullError when the whole file has no room. */
  async putManifest(cid: string, manifest: Manifest): Promise<void> {
    await this.#writes.run(async () => {
      if (this.#entries.get(cid)?.manifest != null) return;
      if (this.#reserves === 'files') this.#reserve(manifest.size);
      await this.#write(`${cid}.manifest`, encodeManifest(manifest));
      this.#entry(cid).manifest = manifest;
    });
  }

  async chunk(cid: string, index: number): Promise<Uint8Array | null> {
    const entry = this.#entries.get(cid);
    if (entry?.manifest == null || !entry.chunks.has(index)) return null;
    const bytes = await this.#readVerified(`${cid}.${index}`, chunkHash(entry.manifest, index));
    if (bytes === null) entry.chunks.delete(index);
    return bytes;
  }

  /**
   * A chunk without its manifest is not kept. Rejects with BlockStoreFullError when the medium is full, or
   * the quota of a store that reserves chunks.
   */
  async putChunk(cid: string, index: number, bytes: Uint8Array): Promise<void> {
    await this.#writes.run(async () => {
      const entry = this.#entries.get(cid);
      if (entry?.manifest == null || entry.chunks.has(index) || index >= chunkCount(entry.manifest)) return;
      if (this.#reserves === 'chunks') this.#reserve(bytes.length);
      await this.#write(`${cid}.${index}`, bytes);
      entry.chunks.add(index);
    });
  }

  /** Deletes a chunk, if it is here. */
  async forgetChunk(cid: string, index: number): Promise<void> {
    await this.#writes.run(async () => {
      if (this.#entries.get(cid)?.chunks.delete(index) === true) await this.#files.remove(`${cid}.${index}`);
    });
  }

  async held(cid: string): Promise<ReadonlySet<number>> {
    return new Set(this.#entries.get(cid)?.chunks);
  }

  async delete(cid: string): Promise<void> {
    await this.#writes.run(async () => {
      const entry = this.#entries.get(cid);
      if (entry === undefined) return;
      // The manifest last: without it the chunks would be bytes that nobody counts.
      this.#entries.delete(cid);
      if (entry.object !== null) await this.#files.remove(`${cid}.object`);
      for (const index of entry.chunks) await this.#files.remove(`${cid}.${index}`);
      await this.#files.remove(`${cid}.manifest`);
    });
  }

  /** Does nothing: this store forgets nothing that is not deleted. */
  async pin(): Promise<void> {}

  #entry(cid: string): Entry {
    const entry = this.#entries.get(cid) ?? { manifest: null, chunks: new Set<number>(), object: null };
    this.#entries.set(cid, entry);
    return entry;
  }

  #reserve(bytes: number): void {
    const left = Math.max(0, this.#quota - this.usedBytes);
    if (bytes > left) throw new BlockStoreFullError(bytes, left);
  }

  async #write(name: string, bytes: Uint8Array): Promise<void> {
    try {
      await this.#files.write(name, [bytes]);
    } catch (error) {
      // A torn file would only take room.
      await this.#files.remove(name).catch(() => undefined);
      if (isFull(error)) throw new BlockStoreFullError(bytes.length, 0, { cause: error });
      throw error;
    }
  }

  /** The file's bytes when they have this hash. Otherwise the file is removed. */
  async #readVerified(name: string, digest: Uint8Array): Promise<Uint8Array | null> {
    const bytes = await this.#files.read(name);
    if (bytes !== undefined && equalBytes(await this.#hash(bytes), digest)) return bytes;
    this.#damaged++;
    await this.#writes.run(() => this.#files.remove(name));
    return null;
  }

  async #readFolder(): Promise<void> {
    const chunks: { readonly name: string; readonly cid: string; readonly index: number }[] = [];
    for (const name of await this.#files.list()) {
      const match = /^([a-z0-9]+)\.(manifest|object|\d{1,5})$/.exec(name);
      if (match === null) continue;
      const [cid, part] = [must(match, 1), must(match, 2)];
      if (part === 'object') {
        const bytes = await this.#readVerified(name, digestOf(cid));
        if (bytes !== null) this.#entry(cid).object = bytes.length;
      } else if (part === 'manifest') {
        const bytes = await this.#readVerified(name, digestOf(cid));
        if (bytes !== null) this.#entry(cid).manifest = decodeManifest(bytes);
      } else chunks.push({ name, cid, index: Number(part) });
    }
    for (const { name, cid, index } of chunks) {
      const entry = this.#entries.get(cid);
      if (entry?.manifest != null && index < chunkCount(entry.manifest)) entry.chunks.add(index);
      else await this.#files.remove(name);
    }
  }
}

/** The digest in a CID, or no bytes, which no hash equals, for a name that is none. */
function digestOf(cid: string): Uint8Array {
  try {
    return parseCid(cid).digest;
  } catch {
    return new Uint8Array();
  }
}
