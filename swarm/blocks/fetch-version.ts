import type { Hex } from '../../protocol/hex.ts';
import { fetchChunks, fetchWhole } from '../content/fetch.ts';
import { decodeManifest, type Manifest } from '../content/manifest.ts';
import type { FetchDependencies } from '../content/peer-client.ts';
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
  const within = { ...rest, store: store.content };
  if ((await store.content.manifest(version.version)) === null) {
    const manifest = await fetchWhole(within, version.version, sources, { signal });
    await store.content.putManifest(version.version, checkedManifest(version, manifest, maxBytes));
  }
  await fetchChunks(within, version.version, sources, { signal });
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
