export interface FetchOptions {
  readonly signal?: AbortSignal;
  /** Bytes verified so far, of how many. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Publishing and fetching by CID. `sources` are peer ids to ask; more may be asked at once. */
export interface Content {
  /** Keeps a DAG-CBOR object and serves it; returns its CIDv1 (dag-cbor, sha2-256). At most 1 MiB. */
  publishObject(bytes: Uint8Array): Promise<string>;
  /** Keeps a file and serves it in chunks; returns the CIDv1 (raw, sha2-256) of its manifest. */
  publishFile(bytes: Uint8Array): Promise<string>;
  /** The object's bytes, verified. Throws ContentError when no source has it. */
  fetchObject(cid: string, sources: readonly string[], options?: FetchOptions): Promise<Uint8Array>;
  /** The file's bytes, every chunk verified. What was fetched stays, so that a later call goes on from there. */
  fetchFile(cid: string, sources: readonly string[], options?: FetchOptions): Promise<Uint8Array>;
}

/** Content could not be had: the message says why and what to try. */
export class ContentError extends Error {
  override readonly name = 'ContentError';
}
