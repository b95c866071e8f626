/** How members pass a swarm's files on: by their SHA-256, as a tab does (docs/decisions/0019). */
import { open, readFile } from 'node:fs/promises';
import { fromHex, toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { SourceFile } from '../../protocol/swarm-spec.ts';
import type { Content } from '../../swarm/content/content.ts';
import { type LocalFile, type StoreWithLocalFiles, smallFileCid } from '../../swarm/content/local-files.ts';
import { MAX_OBJECT } from '../../swarm/content/manifest.ts';
import type { SwarmConnection } from '../../swarm/join.ts';

/** How long the members of one moment are asked for a file, in ms. */
const FETCH_MS = 15_000;

/** Fetches a file from whoever is there. Rejects while nobody has it. */
export type FromMembers = (file: SourceFile, signal: AbortSignal) => Promise<Uint8Array>;

/**
 * Whether members can pass a file on. The SHA-256 of a larger one is not the CID under which the content
 * protocol sends it.
 */
export function isPassedOn({ size }: Pick<SourceFile, 'size'>): boolean {
  return size <= MAX_OBJECT;
}

/** Whether bytes are the file that a specification names. */
export function isFile({ size, sha256 }: SourceFile, bytes: Uint8Array): boolean {
  return bytes.length === size && toHex(sha256Of(bytes)) === sha256;
}

/** The file at a path; undefined when another one is there, or none. */
export async function readNamedFile(file: SourceFile, path: string): Promise<Uint8Array | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  return bytes !== undefined && isFile(file, bytes) ? new Uint8Array(bytes) : undefined;
}

/** Asks the peers of each call, members of the swarm and neighbours. */
export function membersOf({
  content,
  presence,
  node,
}: Pick<SwarmConnection, 'content' | 'presence' | 'node'>): FromMembers {
  return (file, signal) => {
    const sources = new Set([
      ...presence.members().map(({ peerId }) => peerId),
      ...node.view().peers.map(({ peerId }) => peerId),
    ]);
    return fetchByHash({ content, file, sources: [...sources], signal });
  };
}

/** Asks peers for a file by its SHA-256. Rejects with ContentError when none of them has it. */
export function fetchByHash(options: {
  readonly content: Pick<Content, 'fetchObject'>;
  readonly file: SourceFile;
  /** Ids of peers. */
  readonly sources: readonly string[];
  readonly signal: AbortSignal;
}): Promise<Uint8Array> {
  const { content, file, sources, signal } = options;
  return content.fetchObject(cidOfFile(file), sources, {
    ...{ signal, maxBytes: file.size, deadlineMs: FETCH_MS },
  });
}

function cidOfFile({ sha256 }: Pick<SourceFile, 'sha256'>): string {
  return smallFileCid(fromHex(sha256));
}

/** Serves a swarm's file that is on this device, as long as the device takes part. */
export function offerFile(store: StoreWithLocalFiles, file: SourceFile, local: LocalFile): void {
  if (isPassedOn(file)) store.offer(cidOfFile(file), local);
}

/** Bytes in memory as a file that is served. */
export function fileInMemory(bytes: Uint8Array): LocalFile {
  return { size: bytes.length, read: async (offset, length) => bytes.subarray(offset, offset + length) };
}

/** A file on a disk that is served. Whoever asks for a part opens it, so that nothing stays open. */
export function fileInFolder({ size }: Pick<SourceFile, 'size'>, path: string): LocalFile {
  return {
    size,
    async read(offset, length) {
      const file = await open(path, 'r').catch(() => undefined);
      if (file === undefined) return undefined;
      try {
        const bytes = new Uint8Array(length);
        for (let at = 0; at < length; ) {
          const { bytesRead } = await file.read(bytes, at, length - at, offset + at);
          if (bytesRead === 0) return undefined;
          at += bytesRead;
        }
        return bytes;
      } finally {
        await file.close();
      }
    },
  };
}
