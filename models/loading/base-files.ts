/** The files of a swarm's base model: what its specification names, from wherever they are. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { ManifestBuilder } from '../../protocol/file-manifest.ts';
import type { BaseModel, SourceFile } from '../../protocol/swarm-spec.ts';
import { fetchFile } from './fetch-file.ts';
import { filesRoot } from './file-root.ts';
import type { FileStore } from './file-store.ts';
import { isFileName, ModelLoadError, type ModelSource } from './model-source.ts';

/** A base model of files, as a specification names it. */
export type FilesBase = Extract<BaseModel, { kind: 'files' }>;

/** Bytes that are hashed at a time. */
const HASH_BYTES = 1 << 22;

/**
 * Throws ModelLoadError when the files that a specification names do not have the root that it names, or have
 * names that no folder takes. Nothing needs to be downloaded for that.
 */
export function checkBaseRoot({ name, root, files }: FilesBase): void {
  const odd = files.find(({ path }) => !isFileName(path));
  if (odd !== undefined) {
    throw new ModelLoadError(
      `The swarm's model ${name} has a file ${JSON.stringify(odd.path.slice(0, 80))} below a folder, which this program cannot store; take another swarm`,
    );
  }
  const hashed = files.map((file) => ({
    name: file.path,
    size: file.size,
    sha256: file.sha256.slice(2),
  }));
  if (filesRoot(hashed) === root) return;
  throw new ModelLoadError(
    `The swarm's model ${name} does not have the root that its specification names; take another swarm`,
  );
}

/**
 * Throws ModelLoadError when a source does not hold exactly the bytes of each file, or when a file's manifest
 * is of other bytes than its SHA-256. Reads all of them.
 */
export async function checkBaseFiles(
  { name, files }: FilesBase,
  source: ModelSource,
  signal?: AbortSignal,
): Promise<void> {
  for (const { path, size, sha256: expected, manifest } of files) {
    const file = await source.open(path, signal);
    if (file === undefined) {
      throw new ModelLoadError(`${source.description} has no ${path}; give a folder with ${name}`);
    }
    const hash = sha256.create();
    const chunks = new ManifestBuilder();
    const same = file.size === size;
    for (let at = 0; same && at < size; at += HASH_BYTES) {
      const piece = await file.read(at, Math.min(HASH_BYTES, size - at), signal);
      hash.update(piece);
      if (manifest !== undefined) await chunks.update(piece);
    }
    if (!same || `0x${bytesToHex(hash.digest())}` !== expected) {
      throw new ModelLoadError(
        `${path} in ${source.description} is not the file that the swarm names; give a folder with ${name}`,
      );
    }
    if (manifest !== undefined && (await chunks.cid()) !== manifest) {
      throw new ModelLoadError(
        `The manifest that the swarm names for ${path} is of another file than its SHA-256; take another swarm`,
      );
    }
  }
}

export interface FetchNamedFileOptions {
  readonly file: SourceFile;
  /** Name in the store. */
  readonly name: string;
  readonly store: FileStore;
  /** A folder's URL to try before the file's own ones. Defaults to none. */
  readonly folder?: string | undefined;
  /** Defaults to the platform's `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** Waits between attempts, in ms. Tests inject their own. */
  readonly wait?: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  /** Bytes of this file that are here. */
  readonly onProgress?: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Further attempts at one address after a broken connection. */
const RETRIES = 3;

/**
 * Fetches a file that a specification names, from the first of its addresses that has it, and goes on where
 * an earlier call ended. Size and SHA-256 are checked. Throws ModelLoadError that names what each address
 * said.
 */
export async function fetchNamedFile(options: FetchNamedFileOptions): Promise<void> {
  const { file, name, store, folder, signal, onProgress = () => undefined } = options;
  const urls = [...(folder === undefined ? [] : [new URL(file.path, folder).href]), ...file.urls];
  if (urls.length === 0) {
    throw new ModelLoadError(
      `Nobody says where ${file.path} can be fetched; ask whoever started the swarm for it, and name its folder`,
    );
  }
  const failures: string[] = [];
  for (const url of urls) {
    try {
      const found = await fetchFile({
        url: new URL(url),
        name,
        optional: false,
        store,
        limit: file.size,
        sha256: file.sha256.slice(2),
        fetch: options.fetch ?? globalThis.fetch,
        retries: RETRIES,
        wait: options.wait ?? pause,
        onProgress: ({ fileBytes }) => onProgress(fileBytes),
        ...(signal === undefined ? {} : { signal }),
      });
      if (found?.size === file.size) return;
      failures.push(`${url}: another size`);
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof ModelLoadError)) throw error;
      failures.push(error.message);
    }
  }
  throw new ModelLoadError(
    `${file.path} could not be fetched (${failures.join('; ')}); name a folder that has it`,
  );
}

function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
