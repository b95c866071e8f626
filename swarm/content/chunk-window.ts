import { chunkCount, type Manifest } from './manifest.ts';
import type { ContentStore } from './store.ts';

/** Consecutive chunks of a file, from `begin` on, to `end` exclusive. */
export interface ChunkRange {
  readonly begin: number;
  readonly end: number;
}

export interface ChunkWindowOptions {
  readonly cid: string;
  readonly range: ChunkRange;
  /** Defaults to none: whoever fetches into the window puts it first. */
  readonly manifest?: Manifest;
  /** Called for each chunk that is put, and waited for. Defaults to nothing. */
  readonly onChunk?: (index: number, bytes: Uint8Array) => Promise<void>;
}

/**
 * Some chunks of a file in memory, as a store that misses nothing else: whoever fetches the file's missing
 * chunks into it fetches only these.
 */
export class ChunkWindow implements ContentStore {
  readonly #options: ChunkWindowOptions;
  readonly #chunks = new Map<number, Uint8Array>();
  #manifest: Manifest | null;

  constructor(options: ChunkWindowOptions) {
    this.#options = options;
    this.#manifest = options.manifest ?? null;
  }

  /** Indices of the chunks of the range that are not here, in order. */
  get missing(): readonly number[] {
    const { begin, end } = this.#options.range;
    return Array.from({ length: end - begin }, (_, i) => begin + i).filter((i) => !this.#chunks.has(i));
  }

  /** Takes a chunk that was kept elsewhere. */
  take(index: number, bytes: Uint8Array): void {
    this.#chunks.set(index, bytes);
  }

  async object(): Promise<null> {
    return null;
  }

  putObject(): Promise<void> {
    return Promise.reject(new TypeError('This store keeps the chunks of one file.'));
  }

  async manifest(cid: string): Promise<Manifest | null> {
    return cid === this.#options.cid ? this.#manifest : null;
  }

  async putManifest(_cid: string, manifest: Manifest): Promise<void> {
    this.#manifest = manifest;
  }

  async chunk(cid: string, index: number): Promise<Uint8Array | null> {
    return cid === this.#options.cid ? (this.#chunks.get(index) ?? null) : null;
  }

  async putChunk(_cid: string, index: number, bytes: Uint8Array): Promise<void> {
    this.#chunks.set(index, bytes);
    await this.#options.onChunk?.(index, bytes);
  }

  /** The chunks that need no fetching: those that are here, and all outside of the range. */
  async held(cid: string): Promise<ReadonlySet<number>> {
    const manifest = await this.manifest(cid);
    if (manifest === null) return new Set();
    const missing = new Set(this.missing);
    const all = Array.from({ length: chunkCount(manifest) }, (_, i) => i);
    return new Set(all.filter((i) => !missing.has(i)));
  }

  async delete(): Promise<void> {}

  async pin(): Promise<void> {}
}
