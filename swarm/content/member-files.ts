/**
 * How members pass a swarm's files on: a file of at most 1 MiB by its SHA-256 (docs/decisions/0019), a larger
 * one by its manifest, in chunks (docs/decisions/0026).
 */
import { fromHex } from '../../protocol/hex.ts';
import type { SourceFile } from '../../protocol/swarm-spec.ts';
import type { SwarmConnection } from '../join.ts';
import type { Content } from './content.ts';
import { type LocalFile, type StoreWithLocalFiles, smallFileCid } from './local-files.ts';
import { MAX_OBJECT, type Manifest } from './manifest.ts';
import type { ContentStore } from './store.ts';

/** How long the members of one moment are asked for a small file, in ms. */
const SMALL_MS = 15_000;
/** The same for the chunks of a large one. What came until then stays. */
const LARGE_MS = 10 * 60_000;

/** A file that travels in chunks. */
export type LargeFile = SourceFile & { readonly manifest: string };

/** Fetches files from whoever is there. Both reject while nobody has all of it. */
export interface FromMembers {
  /** A file of at most 1 MiB. */
  small(file: SourceFile, signal: AbortSignal): Promise<Uint8Array>;
  /** Puts the chunks that are missing of a larger one into the store. */
  large(
    file: LargeFile,
    into: ContentStore,
    options: { readonly signal: AbortSignal; readonly onProgress: (bytes: number) => void },
  ): Promise<void>;
}

/** Whether the file travels as a whole, by its SHA-256. */
export function isSmall({ size }: Pick<SourceFile, 'size'>): boolean {
  return size <= MAX_OBJECT;
}

/** Whether the file travels in chunks, by the manifest that the specification names. */
export function isLarge(file: SourceFile): file is LargeFile {
  return !isSmall(file) && file.manifest !== undefined;
}

/** Asks the peers of each call, members of the swarm and neighbours. */
export function membersOf({
  content,
  presence,
  node,
}: {
  readonly content: Pick<Content, 'fetchObject' | 'downloadFile'>;
  readonly presence: Pick<SwarmConnection['presence'], 'members'>;
  readonly node: Pick<SwarmConnection['node'], 'view'>;
}): FromMembers {
  return fromPeers(content, () => [
    ...new Set([
      ...presence.members().map(({ peerId }) => peerId),
      ...node.view().peers.map(({ peerId }) => peerId),
    ]),
  ]);
}

/** Asks the peers that `sources` names at each call. Rejects with ContentError when none of them has it. */
export function fromPeers(
  content: Pick<Content, 'fetchObject' | 'downloadFile'>,
  sources: () => readonly string[],
): FromMembers {
  return {
    small: (file, signal) =>
      content.fetchObject(cidOfSmall(file), sources(), {
        ...{ signal, maxBytes: file.size, deadlineMs: SMALL_MS },
      }),
    large: ({ manifest, size }, into, { signal, onProgress }) =>
      content.downloadFile(manifest, sources(), {
        ...{ into, signal, onProgress, maxBytes: size, deadlineMs: LARGE_MS },
      }),
  };
}

function cidOfSmall({ sha256 }: Pick<SourceFile, 'sha256'>): string {
  return smallFileCid(fromHex(sha256));
}

/**
 * Serves a swarm's file that is on this device, as long as the device takes part. `manifest` is that of a
 * file of which the device has parts. Defaults to what is read from the whole file.
 */
export function offerFile(
  store: StoreWithLocalFiles,
  file: SourceFile,
  local: LocalFile,
  manifest?: Manifest,
): void {
  if (isSmall(file)) store.offer(cidOfSmall(file), local);
  else if (isLarge(file)) store.offer(file.manifest, local, manifest);
}

/** Bytes in memory as a file that is served. */
export function fileInMemory(bytes: Uint8Array): LocalFile {
  return { size: bytes.length, read: async (offset, length) => bytes.subarray(offset, offset + length) };
}
