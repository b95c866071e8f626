import type { ContentStore } from './store.ts';

export interface FetchOptions {
  readonly signal?: AbortSignal;
  /**
   * Most bytes that a file may have. A larger one is refused by its manifest, before the first chunk.
   * Defaults to 4 GiB.
   */
  readonly maxBytes?: number;
  /**
   * Time for the whole fetch in ms, whatever the peers send in it. Defaults to a minute for an object and 15
   * for a file.
   */
  readonly deadlineMs?: number;
  /** Where verified bytes are kept and looked for first. Defaults to the store that is served. */
  readonly into?: ContentStore;
  /** Called with the bytes verified so far and the size of the file. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Publishing and fetching by CID. `sources` are the ids of peers to ask. Several are asked at once for a
 * file.
 */
export interface Content {
  /**
   * Keeps, pins and serves a DAG-CBOR object of at most 1 MiB. Resolves with its CIDv1 (dag-cbor, sha2-256).
   */
  publishObject(bytes: Uint8Array): Promise<string>;
  /**
   * Keeps and pins a file, and serves it in chunks. Resolves with the CIDv1 (raw, sha2-256) of its manifest.
   */
  publishFile(bytes: Uint8Array): Promise<string>;
  /** The object's bytes, verified. Rejects with ContentError when no source has it. */
  fetchObject(cid: string, sources: readonly string[], options?: FetchOptions): Promise<Uint8Array>;
  /**
   * The file's bytes, every chunk verified. Rejects with ContentError when chunks are missing. A later call
   * fetches only those.
   */
  fetchFile(cid: string, sources: readonly string[], options?: FetchOptions): Promise<Uint8Array>;
  /**
   * As `fetchFile`, but leaves the verified chunks in the store `into`, and holds few of them in memory at a
   * time.
   */
  downloadFile(
    cid: string,
    sources: readonly string[],
    options: FetchOptions & { readonly into: ContentStore },
  ): Promise<void>;
}
