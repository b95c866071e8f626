/** How members pass a swarm's files on: by their SHA-256, as a tab does (docs/decisions/0019). */
import { readFile } from 'node:fs/promises';
import { fromHex, toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { SourceFile } from '../../protocol/swarm-spec.ts';
import type { Content } from '../../swarm/content/content.ts';
import { cidFromDigest, MAX_OBJECT, type Manifest } from '../../swarm/content/manifest.ts';
import type { ContentStore } from '../../swarm/content/store.ts';
import type { SwarmConnection } from '../../swarm/join.ts';
import { DAG_CBOR } from '../../swarm/messages/rollouts.ts';

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
  return cidFromDigest(fromHex(sha256), DAG_CBOR);
}

/**
 * A content store that also has the swarm's files on this device, so that they are served as long as the
 * device takes part. They count for no budget of the other store, which never has to forget its rounds for
 * them.
 */
export class StoreWithFiles implements ContentStore {
  readonly #store: ContentStore;
  readonly #files = new Map<string, () => Promise<Uint8Array | undefined>>();

  constructor(store: ContentStore) {
    this.#store = store;
  }

  /**
   * Serves a file from now on, if members pass on files of its size. `read` gives exactly its bytes, or
   * undefined when they are gone.
   */
  offer(file: SourceFile, read: () => Promise<Uint8Array | undefined>): void {
    if (isPassedOn(file)) this.#files.set(cidOfFile(file), read);
  }

  async object(cid: string): Promise<Uint8Array | null> {
    const file = await this.#files.get(cid)?.();
    return file ?? this.#store.object(cid);
  }

  putObject(cid: string, bytes: Uint8Array): Promise<void> {
    return this.#store.putObject(cid, bytes);
  }

  manifest(cid: string): Promise<Manifest | null> {
    return this.#store.manifest(cid);
  }

  putManifest(cid: string, manifest: Manifest): Promise<void> {
    return this.#store.putManifest(cid, manifest);
  }

  chunk(cid: string, index: number): Promise<Uint8Array | null> {
    return this.#store.chunk(cid, index);
  }

  putChunk(cid: string, index: number, bytes: Uint8Array): Promise<void> {
    return this.#store.putChunk(cid, index, bytes);
  }

  held(cid: string): Promise<ReadonlySet<number>> {
    return this.#store.held(cid);
  }

  /** Forgets what was put. A file on this device is not touched. */
  delete(cid: string): Promise<void> {
    return this.#store.delete(cid);
  }

  pin(cid: string): Promise<void> {
    return this.#store.pin(cid);
  }
}
