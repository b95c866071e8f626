/** A swarm's files of which a device reads, fetches and keeps only some parts ([S-15] of docs/swarms.md). */
import { equalBytes } from '../../protocol/bytes.ts';
import { ManifestBuilder } from '../../protocol/file-manifest.ts';
import type { FilePart } from '../../protocol/file-part.ts';
import { fromHex } from '../../protocol/hex.ts';
import { PromiseMemo } from '../../protocol/memoize-promise.ts';
import { messageOf } from '../../protocol/message-of.ts';
import { SerialQueue } from '../../protocol/serial-queue.ts';
import type { SourceFile } from '../../protocol/swarm-spec.ts';
import { askAgain, QUIET_ASKS } from './ask-again.ts';
import { ChunkWindow } from './chunk-window.ts';
import { ContentError } from './content-error.ts';
import { rangeOfFile, wholeFileAt } from './file-addresses.ts';
import { type LocalFile, smallFileCid } from './local-files.ts';
import {
  CHUNK,
  chunkCount,
  chunkHash,
  chunkLength,
  decodeManifest,
  type Manifest,
  webHash,
} from './manifest.ts';
import { type FromMembers, isLarge, type LargeFile } from './member-files.ts';
import type { ContentStore } from './store.ts';

export interface ChunkedFilesOptions {
  /** Each travels in chunks or, up to 1 MiB, as a whole. */
  readonly files: readonly SourceFile[];
  /** Opens the store that keeps what was fetched. What it does not take is fetched again when it is read. */
  readonly openStore: () => Promise<ChunkStore>;
  readonly fromMembers: FromMembers;
  readonly fetcher: typeof fetch;
  /** Passes a file on from now on, of a large one what is here. */
  readonly serve: (file: SourceFile, local: LocalFile, manifest?: Manifest) => void;
  /** Called with a sentence while nobody gives a part, and with null afterwards. */
  readonly onWaiting: (sentence: string | null) => void;
  /** Waits between two rounds of asking. Tests inject their own. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Keeps chunks, and forgets one when it is told to. `putChunk` rejects where there is no room. */
export interface ChunkStore extends ContentStore {
  forgetChunk(cid: string, index: number): Promise<void>;
}

/** Characters of the reason that a person is told. */
const MOST_REASON = 160;
/** Rounds in which members are asked for a manifest before it is worked out from a whole file. */
const MANIFEST_ASKS = 3;

export class ChunkedFiles {
  readonly #options: ChunkedFilesOptions;
  readonly #files: ReadonlyMap<string, SourceFile>;
  readonly #stores = new PromiseMemo<'store', ChunkStore>();
  readonly #whole = new PromiseMemo<string, Uint8Array>();
  readonly #manifests = new PromiseMemo<string, Manifest>();
  /** One part is fetched after another, which bounds the memory. */
  readonly #fetching = new SerialQueue();
  /** Chunks that are needed no more, by content id and index: they give way where there is no room. */
  readonly #released = new Map<string, { readonly cid: string; readonly index: number }>();
  #fetched = 0;

  constructor(options: ChunkedFilesOptions) {
    this.#options = options;
    this.#files = new Map(options.files.map((file) => [file.path, file]));
  }

  /** Bytes that came from addresses and members. */
  get fetchedBytes(): number {
    return this.#fetched;
  }

  /**
   * `length` bytes of a file from `offset`, each chunk compared with its hash. It asks until somebody gives
   * what is missing. Throws RangeError for what the file does not have, ContentError where a manifest is not
   * of a file of that size, and the signal's reason.
   */
  async read(
    path: string,
    offset: number,
    length: number,
    signal: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const file = this.#files.get(path);
    const isWithin = Number.isInteger(offset) && Number.isInteger(length) && offset >= 0 && length >= 0;
    if (file === undefined || !isWithin || offset + length > file.size) {
      throw new RangeError(`There are no ${length} bytes at ${offset} of ${path}.`);
    }
    if (!isLarge(file)) {
      const whole = await this.#whole.get(path, () =>
        this.#fetching.run(() => this.#smallFile(file, signal)),
      );
      return whole.slice(offset, offset + length) as Uint8Array<ArrayBuffer>;
    }
    return this.#fetching.run(() => this.#part(file, offset, length, signal));
  }

  /**
   * Notes parts that are needed no more. What lies in them alone stays, for others, until the store has no
   * room for what is needed.
   */
  release(parts: readonly FilePart[]): void {
    for (const { name, begin, end } of parts) {
      const file = this.#files.get(name);
      if (file === undefined || !isLarge(file)) continue;
      const last = end === file.size ? Math.ceil(end / CHUNK) : Math.floor(end / CHUNK);
      for (let index = Math.ceil(begin / CHUNK); index < last; index++) {
        const chunk = { cid: file.manifest, index };
        this.#released.set(keyOf(chunk), chunk);
      }
    }
  }

  /** Keeps a chunk, in place of released ones where there is no room, or not at all. */
  async #keep(store: ChunkStore, cid: string, index: number, bytes: Uint8Array): Promise<void> {
    for (;;) {
      // A store takes the bytes, and they are read here, too.
      const isKept = await store.putChunk(cid, index, bytes.slice()).then(
        () => true,
        () => false,
      );
      const [oldest] = this.#released.values();
      if (isKept || oldest === undefined) return;
      this.#released.delete(keyOf(oldest));
      await quietly(store.forgetChunk(oldest.cid, oldest.index));
    }
  }

  #store(): Promise<ChunkStore> {
    return this.#stores.get('store', this.#options.openStore);
  }

  async #smallFile(file: SourceFile, signal: AbortSignal): Promise<Uint8Array> {
    const { fetcher, fromMembers, serve } = this.#options;
    const digest = fromHex(file.sha256);
    const cid = smallFileCid(digest);
    const store = await this.#store();
    const kept = await store.object(cid);
    const checked = async (bytes: Uint8Array): Promise<Uint8Array> => {
      if (equalBytes(await webHash(bytes), digest)) return bytes;
      throw new ContentError(`${file.path} has another hash`);
    };
    const fetched = async (): Promise<Uint8Array> => {
      const bytes = await firstOf(signal, [
        ...file.urls.map((url) => async () => {
          const only = { path: file.path, urls: [url] };
          return checked(await rangeOfFile(only, { begin: 0, end: file.size }, { fetcher, signal }));
        }),
        async () => checked(await fromMembers.small(file, signal)),
      ]);
      this.#fetched += bytes.length;
      await quietly(store.putObject(cid, bytes));
      return bytes;
    };
    const bytes = kept ?? (await this.#asking(file, signal, fetched));
    serve(file, {
      size: file.size,
      read: async (offset, length) => bytes.subarray(offset, offset + length),
    });
    return bytes;
  }

  async #part(
    file: LargeFile,
    offset: number,
    length: number,
    signal: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const manifest = await this.#manifests.get(file.path, () => this.#manifest(file, signal));
    const store = await this.#store();
    const range = { begin: Math.floor(offset / CHUNK), end: Math.ceil((offset + length) / CHUNK) };
    const cid = file.manifest;
    const window = new ChunkWindow({
      ...{ cid, manifest, range },
      onChunk: async (index, bytes) => {
        this.#fetched += bytes.length;
        await this.#keep(store, cid, index, bytes);
      },
    });
    for (const index of window.missing) {
      this.#released.delete(keyOf({ cid, index }));
      const kept = await store.chunk(cid, index);
      if (kept !== null) window.take(index, kept);
    }
    if (window.missing.length > 0) {
      await this.#asking(file, signal, () => this.#fill(file, manifest, window, signal));
    }
    const bytes = new Uint8Array(length);
    for (let index = range.begin; index < range.end; index++) {
      const chunk = await window.chunk(cid, index);
      if (chunk === null)
        throw new ContentError(`Chunk ${index} of ${file.path} was lost while it was read.`);
      const at = index * CHUNK - offset;
      bytes.set(chunk.subarray(Math.max(0, -at), length - at), Math.max(0, at));
    }
    return bytes;
  }

  /** Fetches the window's missing chunks from addresses, and what these do not give from members. */
  async #fill(file: LargeFile, manifest: Manifest, window: ChunkWindow, signal: AbortSignal): Promise<void> {
    const { fetcher, fromMembers } = this.#options;
    for (const url of file.urls) {
      const { missing } = window;
      const [first, last] = [missing[0], missing.at(-1)];
      if (first === undefined || last === undefined) return;
      const begin = first * CHUNK;
      const end = last * CHUNK + chunkLength(manifest, last);
      try {
        const bytes = await rangeOfFile(
          { path: file.path, urls: [url] },
          { begin, end },
          { fetcher, signal },
        );
        for (const index of missing) {
          const at = index * CHUNK - begin;
          const chunk = bytes.subarray(at, at + chunkLength(manifest, index));
          if (!equalBytes(await webHash(chunk), chunkHash(manifest, index))) break;
          await window.putChunk(file.manifest, index, chunk.slice());
        }
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof ContentError)) throw error;
      }
    }
    if (window.missing.length === 0) return;
    await fromMembers.large(file, window, { signal, onProgress: () => undefined });
  }

  /** The file's manifest: from the store, from members, or worked out from the whole file at an address. */
  async #manifest(file: LargeFile, signal: AbortSignal): Promise<Manifest> {
    const { fromMembers, serve } = this.#options;
    const store = await this.#store();
    let asks = 0;
    const manifest =
      (await store.manifest(file.manifest)) ??
      (await this.#asking(file, signal, async () => {
        asks++;
        const nothing = new ChunkWindow({ cid: file.manifest, range: { begin: 0, end: 0 } });
        try {
          await fromMembers.large(file, nothing, { signal, onProgress: () => undefined });
        } catch (error) {
          if (asks < MANIFEST_ASKS || file.urls.length === 0) throw error;
        }
        return (await nothing.manifest(file.manifest)) ?? this.#manifestFromAddress(file, signal);
      }));
    if (manifest.size !== file.size) {
      throw new ContentError(
        `The swarm’s specification says that ${file.path} has ${file.size} bytes, and its manifest ${manifest.size}. Take another swarm.`,
      );
    }
    await quietly(store.putManifest(file.manifest, manifest));
    const cid = file.manifest;
    const local: LocalFile = {
      size: file.size,
      async read(offset, length) {
        const bytes = new Uint8Array(length);
        for (let at = 0; at < length; ) {
          const index = Math.floor((offset + at) / CHUNK);
          const chunk = index < chunkCount(manifest) ? await store.chunk(cid, index) : null;
          if (chunk === null) return undefined;
          const from = offset + at - index * CHUNK;
          const piece = chunk.subarray(from, from + length - at);
          bytes.set(piece, at);
          at += piece.length;
        }
        return bytes;
      },
    };
    serve(file, local, manifest);
    return manifest;
  }

  /** Reads all of a file once, and keeps nothing of it but the hashes. */
  async #manifestFromAddress(file: LargeFile, signal: AbortSignal): Promise<Manifest> {
    const { fetcher } = this.#options;
    return firstOf(
      signal,
      file.urls.map((url) => async () => {
        const builder = new ManifestBuilder();
        for await (const piece of wholeFileAt(url, file.size, { fetcher, signal }))
          await builder.update(piece);
        if ((await builder.cid()) === file.manifest) return decodeManifest(await builder.bytes(), file.size);
        throw new ContentError(`${url} has another ${file.path} than the swarm names`);
      }),
    );
  }

  /** Asks until there is an answer, and tells a person once when it takes long. */
  async #asking<T>(file: SourceFile, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
    const { onWaiting, sleep } = this.#options;
    let isTold = false;
    const found = await askAgain({
      ...{ ask, sleep, signal },
      isFinal: (error) => !isForNow(error),
      onFailure(asks, error) {
        if (asks !== QUIET_ASKS) return;
        isTold = true;
        const why = messageOf(error).slice(0, MOST_REASON);
        onWaiting(
          `Nobody who is here now gives what this device needs of ${file.path} (${why}). It asks again every few seconds.`,
        );
      },
    });
    if (isTold) onWaiting(null);
    return found;
  }
}

function keyOf({ cid, index }: { readonly cid: string; readonly index: number }): string {
  return `${cid}/${index}`;
}

/** What the first of several ways gives. Throws ContentError with what each said. */
async function firstOf<T>(signal: AbortSignal, ways: readonly (() => Promise<T>)[]): Promise<T> {
  const causes: string[] = [];
  for (const way of ways) {
    try {
      return await way();
    } catch (error) {
      signal.throwIfAborted();
      if (!isForNow(error)) throw error;
      causes.push(messageOf(error));
    }
  }
  throw new ContentError(causes.join('; '));
}

/** Whether asking again may help: nobody had it, or nobody answered in time. */
function isForNow(error: unknown): boolean {
  return error instanceof ContentError || (error instanceof Error && error.name === 'TimeoutError');
}

/** A store that has no room is no reason to stop. */
async function quietly(work: Promise<void>): Promise<void> {
  await work.catch(() => undefined);
}
