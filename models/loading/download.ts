/**
 * Downloads a model's files into a store, in pieces, so that an interrupted download goes on where it ended. Beside each file
 * `<name>.state` says where it came from and whether it is whole; a torn state file only means that the file starts over.
 */
import type { Hex } from '../../protocol/hex.ts';
import { type DownloadLimits, type FileProgress, fetchFile } from './fetch-file.ts';
import { filesRoot, type HashedFile } from './file-root.ts';
import { JSON_LIMITS } from './open-model.ts';
import { ModelLoadError } from './source.ts';
import type { FileStore } from './store.ts';
import { INDEX_FILE, INDEX_LIMIT, parseWeightsIndex, SINGLE_FILE, totalOfIndex } from './weights-index.ts';

export interface DownloadProgress extends FileProgress {
  readonly file: string;
  /** Bytes that are in the store, all files so far. */
  readonly bytes: number;
  /** Bytes of all files, once that can be told; of shards about. */
  readonly total?: number;
}

export interface DownloadOptions {
  /** The folder's address; https, or http on this machine. */
  readonly baseUrl: string;
  readonly store: FileStore;
  /** SHA-256 by file name (`parseHashes`). Given, every file must be in it. */
  readonly hashes?: ReadonlyMap<string, string>;
  /** The root that was shown at the first download; another one is refused. */
  readonly expectedRoot?: Hex;
  readonly onProgress?: (progress: DownloadProgress) => void;
  readonly signal?: AbortSignal;
  readonly limits?: DownloadLimits;
  /** The platform's unless given. */
  readonly fetch?: typeof globalThis.fetch;
  /** Tries after a connection broke; 4 unless given. */
  readonly retries?: number;
  /** Waits between tries; injected in tests. */
  readonly wait?: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

export interface DownloadedModel {
  readonly files: readonly HashedFile[];
  /**
   * What these files are called by (`filesRoot`). Without `hashes` or `expectedRoot` nobody vouches for them: show it, keep it,
   * and pass it as `expectedRoot` from then on.
   */
  readonly root: Hex;
  /** Who vouches: the caller's hashes or root, the server's own SHA-256 headers for all weights, or nobody. */
  readonly vouched: 'caller' | 'server' | 'nobody';
}

const DEFAULT_LIMITS: Required<DownloadLimits> = { fileBytes: 2 ** 36, totalBytes: 2 ** 37 };

/**
 * Downloads config.json, tokenizer and weights of one model. Called again after an abort or failure it goes on where it ended.
 * Throws ModelLoadError (HashMismatchError for a wrong hash), StorageFullError, or the signal's reason.
 */
export async function downloadModel(options: DownloadOptions): Promise<DownloadedModel> {
  const base = folderUrl(options.baseUrl);
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const files: HashedFile[] = [];
  let done = 0;
  let unvouched = 0;
  let expectedTotal: number | undefined;
  const get = async (name: string, limit: number, optional = false): Promise<boolean> => {
    const expected = options.hashes?.get(name);
    if (options.hashes !== undefined && expected === undefined) {
      if (optional) return false;
      throw new ModelLoadError(`the list of hashes has no ${name}; use the list of this model`);
    }
    const before = done;
    const file = await fetchFile({
      url: new URL(name, base),
      name,
      optional,
      store: options.store,
      limit: Math.min(limit, limits.fileBytes, limits.totalBytes - before),
      fetch: options.fetch ?? globalThis.fetch.bind(globalThis),
      retries: options.retries ?? 4,
      wait: options.wait ?? waitFor,
      ...(expected === undefined ? {} : { sha256: expected }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      onProgress: (progress) => {
        const bytes = before + progress.fileBytes;
        // A model in one file has nothing after it.
        const total = name === SINGLE_FILE && progress.fileSize ? before + progress.fileSize : expectedTotal;
        options.onProgress?.({
          ...progress,
          file: name,
          bytes,
          ...(total === undefined ? {} : { total: Math.max(total, bytes) }),
        });
      },
    });
    if (file === undefined) return false;
    if (!file.vouched && name.endsWith('.safetensors')) unvouched += 1;
    files.push({ name, size: file.size, sha256: file.sha256 });
    done += file.size;
    return true;
  };

  await get('config.json', JSON_LIMITS['config.json']);
  await get('generation_config.json', JSON_LIMITS['generation_config.json'], true);
  await get('tokenizer.json', JSON_LIMITS['tokenizer.json']);
  await get('tokenizer_config.json', JSON_LIMITS['tokenizer_config.json'], true);
  if (await get(INDEX_FILE, INDEX_LIMIT, true)) {
    const index = await readIndex(options.store);
    const tensors = totalOfIndex(index);
    if (tensors !== undefined) expectedTotal = done + tensors;
    const shards = [...new Set(parseWeightsIndex(index).values())].sort();
    for (const shard of shards) await get(shard, limits.fileBytes);
  } else {
    await get(SINGLE_FILE, limits.fileBytes);
  }
  const root = filesRoot(files);
  if (options.expectedRoot !== undefined && options.expectedRoot !== root) {
    throw new ModelLoadError(
      `the model at ${base.href} is no longer the one first downloaded (root ${root}, expected ${options.expectedRoot}); use it under another name, or find the old one`,
    );
  }
  const byCaller = options.hashes !== undefined || options.expectedRoot !== undefined;
  return { files, root, vouched: byCaller ? 'caller' : unvouched === 0 ? 'server' : 'nobody' };
}

async function readIndex(store: FileStore): Promise<Uint8Array> {
  const file = await store.open(INDEX_FILE);
  if (file === undefined) throw new ModelLoadError(`${INDEX_FILE} vanished; download the model again`);
  try {
    return await file.read(0, await file.size());
  } finally {
    await file.close();
  }
}

/** The address of a model's folder, with a slash at the end. Throws ModelLoadError unless https, or http to this machine. */
export function folderUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const local = url !== undefined && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url === undefined || !(url.protocol === 'https:' || (url.protocol === 'http:' && local))) {
    throw new ModelLoadError(
      `${JSON.stringify(text.slice(0, 200))} is not an https address; give the address of a model's folder`,
    );
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  url.hash = '';
  return url;
}

function waitFor(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
