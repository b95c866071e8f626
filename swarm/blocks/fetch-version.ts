import type { Hex } from '../../protocol/hex.ts';
import { fetchChunks, fetchWhole } from '../content/fetch.ts';
import { decodeManifest, type Manifest } from '../content/manifest.ts';
import type { FetchDependencies } from '../content/peer-client.ts';
import type { ContentStore } from '../content/store.ts';
import { readFile } from '../content/store.ts';
import type { BlockVersion, VersionPlace } from '../messages/block-announcement.ts';
import { BlockStoreFullError, megabytes } from './block-files.ts';
import type { BlockStore, HeldVersion } from './block-store.ts';

/** Content of a version is not what the run confirmed, or is larger than a version of its block may be. */
export class WrongVersionError extends Error {
  override readonly name = 'WrongVersionError';
  constructor({ block, step }: VersionPlace, what: string, options?: ErrorOptions) {
    super(
      `The content of block ${block} after step ${step} ${what}. It was refused, and another keeper is asked.`,
      options,
    );
  }
}

/** The version root of a file: the Merkle root over its tensors. Rejects for bytes that are no version. */
export type RootOf = (place: VersionPlace, bytes: Uint8Array) => Promise<Hex>;

/**
 * Fetches a version from these peers into the store, and holds it once its root is the expected one. Only
 * chunks that the store lacks are asked for. Rejects with BlockStoreFullError when there is no room, with
 * WrongVersionError when the content is not that version (nothing of it is kept), and with ContentError when
 * no peer has the rest.
 */
export async function fetchVersion(
  dependencies: Omit<FetchDependencies, 'store'> & { readonly store: BlockStore; readonly rootOf: RootOf },
  version: BlockVersion,
  options: { readonly sources: readonly string[]; readonly maxBytes: number; readonly signal: AbortSignal },
): Promise<HeldVersion> {
  const { store, rootOf, ...rest } = dependencies;
  const { sources, maxBytes, signal } = options;
  const taking = new TakingStore(store.content);
  const within = { ...rest, store: taking };
  try {
    if ((await taking.manifest(version.version)) === null) {
      const manifest = await fetchWhole(within, version.version, sources, { signal });
      await taking.putManifest(version.version, checkedManifest(version, manifest, maxBytes));
    }
    await fetchChunks(within, version.version, sources, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw taking.full ?? error;
  }
  const bytes = await readFile(store.content, version.version);
  if (bytes === null) throw new BlockStoreFullError(maxBytes, 0);
  const root = await rootOf(version, bytes).catch(() => undefined);
  signal.throwIfAborted();
  if (root !== version.root) {
    await store.content.delete(version.version);
    throw new WrongVersionError(version, 'is not what the run confirmed');
  }
  return store.complete(version);
}

function checkedManifest(version: BlockVersion, bytes: Uint8Array, maxBytes: number): Manifest {
  let manifest: Manifest;
  try {
    manifest = decodeManifest(bytes);
  } catch (cause) {
    throw new WrongVersionError(version, 'is no file', { cause });
  }
  if (manifest.size > maxBytes) throw new WrongVersionError(version, `has ${megabytes(manifest.size)}`);
  return manifest;
}

/** The same store. It remembers that it was full, because a download goes on with other peers then. */
class TakingStore implements ContentStore {
  readonly #store: ContentStore;
  full: BlockStoreFullError | undefined;

  constructor(store: ContentStore) {
    this.#store = store;
  }

  object(cid: string): Promise<Uint8Array | null> {
    return this.#store.object(cid);
  }

  putObject(cid: string, bytes: Uint8Array): Promise<void> {
    return this.#noticing(this.#store.putObject(cid, bytes));
  }

  manifest(cid: string): ReturnType<ContentStore['manifest']> {
    return this.#store.manifest(cid);
  }

  putManifest(...manifest: Parameters<ContentStore['putManifest']>): Promise<void> {
    return this.#noticing(this.#store.putManifest(...manifest));
  }

  chunk(cid: string, index: number): Promise<Uint8Array | null> {
    return this.#store.chunk(cid, index);
  }

  putChunk(cid: string, index: number, bytes: Uint8Array): Promise<void> {
    return this.#noticing(this.#store.putChunk(cid, index, bytes));
  }

  held(cid: string): Promise<ReadonlySet<number>> {
    return this.#store.held(cid);
  }

  delete(cid: string): Promise<void> {
    return this.#store.delete(cid);
  }

  pin(cid: string): Promise<void> {
    return this.#store.pin(cid);
  }

  async #noticing(put: Promise<void>): Promise<void> {
    try {
      await put;
    } catch (error) {
      if (error instanceof BlockStoreFullError) this.full = error;
      throw error;
    }
  }
}
