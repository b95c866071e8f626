/**
 * Downloads a model's files into a store in pieces, so that an interrupted download continues where it ended.
 * Beside each file, `<name>.state` records its origin and whether it is whole. After a torn state file the
 * file starts over.
 */
import type { Hex } from '../../protocol/hex.ts';
import { readAbsentFiles, writeAbsentFiles } from './absent-files.ts';
import { type DownloadLimits, type FileProgress, fetchFile } from './fetch-file.ts';
import { filesRoot, type HashedFile } from './file-root.ts';
import type { FileStore } from './file-store.ts';
import { ModelLoadError } from './model-source.ts';
import { JSON_LIMITS, TEMPLATE_FILE, TEMPLATE_LIMIT } from './open-model.ts';
import { INDEX_FILE, INDEX_LIMIT, parseWeightsIndex, SINGLE_FILE, totalOfIndex } from './weights-index.ts';

export interface DownloadProgress extends FileProgress {
  readonly file: string;
  /** Bytes in the store, of all files so far. */
  readonly bytes: number;
  /** Bytes of all files, once known. An estimate when the weights are in shards. */
  readonly total?: number;
}

export interface DownloadOptions {
  /** URL of the model's folder: https, or http on this machine. */
  readonly baseUrl: string;
  readonly store: FileStore;
  /** SHA-256 by file name (`parseHashes`); every file must then be in it. Defaults to no verification. */
  readonly hashes?: ReadonlyMap<string, string>;
  /** The root of the first download; another root is refused. Defaults to any root. */
  readonly expectedRoot?: Hex;
  readonly onProgress?: (progress: DownloadProgress) => void;
  readonly signal?: AbortSignal;
  readonly limits?: DownloadLimits;
  /** Defaults to the platform's `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** Further attempts after a broken connection. Defaults to 4. */
  readonly retries?: number;
  /** Waits between attempts. Defaults to a timer; tests inject their own. */
  readonly wait?: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

export interface DownloadedModel {
  readonly files: readonly HashedFile[];
  /**
   * The root of these files (`filesRoot`). When nobody verified them, show it to the person, keep it, and
   * pass it as `expectedRoot` from then on.
   */
  readonly root: Hex;
  /**
   * Who named the hashes: the caller (hashes or root), the server (SHA-256 headers for all weights), or
   * nobody.
   */
  readonly verifiedBy: 'caller' | 'server' | 'nobody';
}

const DEFAULT_LIMITS: Required<DownloadLimits> = { fileBytes: 2 ** 36, totalBytes: 2 ** 37 };

/**
 * Downloads config.json, tokenizer and weights of one model. After an abort or a failure, the next call
 * continues where this one ended. Throws ModelLoadError (HashMismatchError for a wrong hash),
 * StorageFullError, or the signal's reason.
 */
export async function downloadModel(options: DownloadOptions): Promise<DownloadedModel> {
  const base = folderUrl(options.baseUrl);
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const files: HashedFile[] = [];
  let done = 0;
  let unverified = 0;
  let expectedTotal: number | undefined;
  const knownAbsent = await readAbsentFiles(options.store, base.href);
  const absent = new Set<string>();
  const rememberAbsent = async (): Promise<void> => {
    if ([...absent].some((name) => !knownAbsent.has(name)))
      await writeAbsentFiles(options.store, base.href, absent);
  };
  const get = async (name: string, limit: number, optional = false): Promise<boolean> => {
    const expected = options.hashes?.get(name);
    if (options.hashes !== undefined && expected === undefined) {
      if (optional) return false;
      throw new ModelLoadError(`the list of hashes has no ${name}; use the list of this model`);
    }
    if (optional && knownAbsent.has(name)) {
      absent.add(name);
      return false;
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
      sha256: expected,
      signal: options.signal,
      onProgress: (progress) => {
        const bytes = before + progress.fileBytes;
        // A single weights file is the last file of its model.
        const total = name === SINGLE_FILE && progress.fileSize ? before + progress.fileSize : expectedTotal;
        options.onProgress?.({
          ...progress,
          file: name,
          bytes,
          total: total && Math.max(total, bytes),
        });
      },
    });
    if (file === undefined) {
      absent.add(name);
      return false;
    }
    if (!file.verified && name.endsWith('.safetensors')) unverified += 1;
    files.push({ name, size: file.size, sha256: file.sha256 });
    done += file.size;
    return true;
  };

  await get('config.json', JSON_LIMITS['config.json']);
  await get('generation_config.json', JSON_LIMITS['generation_config.json'], true);
  await get('tokenizer.json', JSON_LIMITS['tokenizer.json']);
  await get('tokenizer_config.json', JSON_LIMITS['tokenizer_config.json'], true);
  await get(TEMPLATE_FILE, TEMPLATE_LIMIT, true);
  await get('chat_template.json', JSON_LIMITS['chat_template.json'], true);
  await rememberAbsent();
  // A whole file counts before an index, as in transformers: the index may be left over from shards.
  if (await get(SINGLE_FILE, limits.fileBytes, true)) {
    // All weights are here.
  } else if (await get(INDEX_FILE, INDEX_LIMIT, true)) {
    // The weights are in shards, so that the whole file is absent for good.
    await rememberAbsent();
    const index = await readIndex(options.store);
    const tensors = totalOfIndex(index);
    if (tensors !== undefined) expectedTotal = done + tensors;
    const shards = [...new Set(parseWeightsIndex(index).values())].sort();
    for (const shard of shards) await get(shard, limits.fileBytes);
  } else {
    // Neither is there. This answers with what the server says of it.
    await get(SINGLE_FILE, limits.fileBytes);
  }
  const root = filesRoot(files);
  if (options.expectedRoot !== undefined && options.expectedRoot !== root) {
    throw new ModelLoadError(
      `the model at ${base.href} is no longer the one first downloaded (root ${root}, expected ${options.expectedRoot}); use it under another name, or find the old one`,
    );
  }
  const byCaller = options.hashes !== undefined || options.expectedRoot !== undefined;
  return { files, root, verifiedBy: byCaller ? 'caller' : unverified === 0 ? 'server' : 'nobody' };
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

/**
 * The URL of a model's folder, with a slash at the end. Throws ModelLoadError unless https, or http to this
 * machine.
 */
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
