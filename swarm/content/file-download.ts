import { equalBytes } from '../../protocol/bytes.ts';
import { messageOf } from '../../protocol/message-of.ts';
import { must } from '../../protocol/must.ts';
import { wait } from '../scheduler.ts';
import type { FetchOptions } from './content.ts';
import { ContentError } from './content-error.ts';
import { chunkCount, chunkHash, chunkLength, type Manifest } from './manifest.ts';
import { type FetchDependencies, MAX_BUSY, PeerClient } from './peer-client.ts';
import { FEW, RequestWindow } from './request-window.ts';

/** Peers asked at the same time for one file. */
const PARALLEL_PEERS = 4;
/** A busy peer is asked again after this time, ms. */
const REST_MS = 1_000;
/** Chunks of one peer that are verified and stored at the same time. */
const KEEPING = 4;
/** Chunks that a peer may lack before it is given up: whoever has parts of a file has many of them. */
const MOST_ABSENT = 1024;
/** Chunks that a peer reads together (local-files.ts), and so is asked for together. */
const RUN = FEW;

/** Fetches the missing chunks of one file. While a chunk is verified and stored, the next ones come. */
export class FileDownload {
  readonly #dependencies: FetchDependencies;
  readonly #cid: string;
  readonly #manifest: Manifest;
  readonly #options: FetchOptions;
  readonly #ended = new AbortController();
  readonly #signal: AbortSignal;
  readonly #queue: number[] = [];
  readonly #causes: string[] = [];
  /** Why the own store does not take a chunk. No other peer's copy would help. */
  #storeFailure: { readonly error: unknown } | undefined;
  #missing: number;
  #bytes = 0;
  #waiters: (() => void)[] = [];

  constructor(
    dependencies: FetchDependencies,
    cid: string,
    manifest: Manifest,
    held: ReadonlySet<number>,
    options: FetchOptions,
  ) {
    this.#dependencies = dependencies;
    this.#cid = cid;
    this.#manifest = manifest;
    this.#options = options;
    const signals = options.signal === undefined ? [] : [options.signal];
    this.#signal = AbortSignal.any([this.#ended.signal, ...signals]);
    for (let index = chunkCount(manifest) - 1; index >= 0; index--) {
      if (held.has(index)) this.#bytes += chunkLength(manifest, index);
      else this.#queue.push(index);
    }
    this.#missing = this.#queue.length;
  }

  /** Rejects with ContentError, with the signal's reason, or with the store's error as soon as it has one. */
  async run(sources: readonly string[]): Promise<void> {
    this.#options.onProgress?.(this.#bytes, this.#manifest.size);
    const peers = [...sources];
    const worker = async (): Promise<void> => {
      for (let peerId = peers.shift(); peerId !== undefined && this.#missing > 0; peerId = peers.shift()) {
        await this.#fetchFrom(peerId);
      }
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL_PEERS, sources.length) }, worker));
    this.#options.signal?.throwIfAborted();
    if (this.#storeFailure !== undefined) throw this.#storeFailure.error;
    if (this.#missing > 0) {
      const why = this.#causes.join('; ') || 'none to ask';
      throw new ContentError(
        `${this.#missing} chunks of ${this.#cid} are missing (${why}). Try again with other peers.`,
      );
    }
  }

  /** Fetches from one peer until nothing is missing or the peer fails. */
  async #fetchFrom(peerId: string): Promise<void> {
    const failed = new AbortController();
    const signal = AbortSignal.any([this.#signal, failed.signal]);
    const window = new RequestWindow(() => scheduler.now());
    /** Chunks that came and are being verified and stored. */
    const keeping = new Set<Promise<void>>();
    const { scheduler } = this.#dependencies;
    let client: PeerClient | null = null;
    let busy = 0;
    /** Chunks that the peer does not have. */
    const lacks = new Set<number>();
    /** Local time until which a busy peer is asked for nothing more, ms. */
    let restUntil = scheduler.now();
    try {
      client = await PeerClient.open(this.#dependencies, peerId, signal);
      while (this.#missing > 0) {
        signal.throwIfAborted();
        if (keeping.size >= KEEPING) {
          await Promise.race(keeping);
          continue;
        }
        const rest = restUntil - scheduler.now();
        if (rest <= 0) await this.#request(client, window, lacks);
        else if (window.unanswered.length === 0) {
          await wait(scheduler, rest, signal);
          continue;
        }
        if (window.unanswered.length === 0) {
          // Nothing is on its way from anyone, and the peer has none of what is missing.
          if (this.#queue.length === this.#missing) {
            throw new ContentError(`chunk ${must(this.#queue, 0)} is absent, as is all else that is missing`);
          }
          // All missing chunks that it may have are on their way into the store, or in flight at other peers,
          // and one of those may still fail.
          await this.#progress();
          continue;
        }
        const { status, index, bytes } = await client.receive();
        if (!window.answer(index)) throw new ContentError('a response to no request');
        if (status !== 'found') {
          this.#requeue(index);
          if (status === 'absent') {
            lacks.add(index);
            if (lacks.size > MOST_ABSENT) throw new ContentError(`${lacks.size} chunks are absent`);
            continue;
          }
          // What was asked for together is answered busy together, which counts once.
          if (rest <= 0) busy++;
          if (busy > MAX_BUSY) throw new ContentError(`chunk ${index} is busy`);
          restUntil = scheduler.now() + REST_MS;
          continue;
        }
        busy = 0;
        const kept = this.#keep(index, bytes).catch((error: unknown) => {
          failed.abort(error);
          this.#requeue(index);
        });
        keeping.add(kept);
        void kept.then(() => keeping.delete(kept));
      }
    } catch (error) {
      if (this.#missing > 0) this.#causes.push(`${peerId}: ${messageOf(error)}`);
    } finally {
      for (const index of window.unanswered) this.#requeue(index);
      client?.close();
      await Promise.all(keeping);
    }
  }

  /** Verifies a chunk and stores it. Rejects when it is another one, or the store does not take it. */
  async #keep(index: number, bytes: Uint8Array): Promise<void> {
    const { length } = bytes;
    const isIntact =
      length === chunkLength(this.#manifest, index) &&
      equalBytes(await this.#dependencies.hash(bytes), chunkHash(this.#manifest, index));
    if (!isIntact) throw new ContentError(`chunk ${index} has another hash`);
    try {
      await this.#dependencies.store.putChunk(this.#cid, index, bytes);
    } catch (error) {
      this.#storeFailure ??= { error };
      this.#ended.abort(error);
      throw error;
    }
    this.#bytes += length;
    this.#missing--;
    this.#options.onProgress?.(this.#bytes, this.#manifest.size);
    if (this.#missing === 0) this.#ended.abort(new DOMException('Complete.', 'AbortError'));
    this.#notify();
  }

  /** Asks a peer for the next chunks, as far as its window has room for them. */
  async #request(client: PeerClient, window: RequestWindow, lacks: ReadonlySet<number>): Promise<void> {
    for (;;) {
      const run = this.#take(window.room, lacks);
      if (run.length === 0) return;
      for (const index of run) window.ask(index);
      for (const index of run) await client.send({ kind: 'chunk', index, cid: this.#cid });
    }
  }

  /**
   * The next chunk of the queue that the peer may have, and those behind it in the file that a peer reads
   * together with it. None when they are more than `most`.
   */
  #take(most: number, lacks: ReadonlySet<number>): readonly number[] {
    let end = this.#queue.length;
    while (end > 0 && lacks.has(must(this.#queue, end - 1))) end--;
    if (end === 0) return [];
    const first = must(this.#queue, end - 1);
    let length = 1;
    while (length < RUN && this.#queue[end - 1 - length] === first + length && !lacks.has(first + length))
      length++;
    return length > most ? [] : this.#queue.splice(end - length, length).toReversed();
  }

  #requeue(index: number): void {
    this.#queue.push(index);
    this.#notify();
  }

  /** Resolves when a chunk was kept or queued again. */
  #progress(): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(this.#signal.reason);
      if (this.#signal.aborted) return abort();
      this.#signal.addEventListener('abort', abort, { once: true });
      this.#waiters.push(() => {
        this.#signal.removeEventListener('abort', abort);
        resolve();
      });
    });
  }

  #notify(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resume of waiters) resume();
  }
}
