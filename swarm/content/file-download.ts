import { equalBytes } from '../../protocol/bytes.ts';
import { messageOf } from '../../protocol/message-of.ts';
import { wait } from '../scheduler.ts';
import type { FetchOptions } from './content.ts';
import { ContentError } from './content-error.ts';
import { chunkCount, chunkHash, chunkLength, type Manifest } from './manifest.ts';
import { type FetchDependencies, MAX_BUSY, PeerClient } from './peer-client.ts';

/** Peers asked at the same time for one file. */
const PARALLEL_PEERS = 4;
const WINDOW = 4;

/** Fetches the missing chunks of one file. */
export class FileDownload {
  readonly #dependencies: FetchDependencies;
  readonly #cid: string;
  readonly #manifest: Manifest;
  readonly #options: FetchOptions;
  readonly #ended = new AbortController();
  readonly #signal: AbortSignal;
  readonly #queue: number[] = [];
  readonly #causes: string[] = [];
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
    if (this.#missing > 0) {
      const why = this.#causes.join('; ') || 'none to ask';
      throw new ContentError(
        `${this.#missing} chunks of ${this.#cid} are missing (${why}). Try again with other peers.`,
      );
    }
  }

  /** Fetches from one peer until nothing is missing or the peer fails. */
  async #fetchFrom(peerId: string): Promise<void> {
    const inFlight = new Set<number>();
    let client: PeerClient | null = null;
    let busy = 0;
    try {
      client = await PeerClient.open(this.#dependencies, peerId, this.#signal);
      while (this.#missing > 0) {
        while (inFlight.size < (this.#dependencies.window ?? WINDOW)) {
          const index = this.#queue.pop();
          if (index === undefined) break;
          inFlight.add(index);
          await client.send({ kind: 'chunk', index, cid: this.#cid });
        }
        if (inFlight.size === 0) {
          // All missing chunks are in flight at other peers, and one of those may still fail.
          await this.#progress();
          continue;
        }
        const { status, index, bytes } = await client.receive();
        if (!inFlight.delete(index)) throw new ContentError('a response to no request');
        if (status !== 'found') {
          this.#requeue(index);
          if (status === 'absent' || ++busy > MAX_BUSY) throw new ContentError(`chunk ${index} is ${status}`);
          await wait(this.#dependencies.scheduler, 1_000, this.#signal);
          continue;
        }
        busy = 0;
        await this.#keep(index, bytes, inFlight);
      }
    } catch (error) {
      if (this.#missing > 0) this.#causes.push(`${peerId}: ${messageOf(error)}`);
    } finally {
      for (const index of inFlight) this.#requeue(index);
      client?.close();
    }
  }

  /** Verifies a chunk and stores it. */
  async #keep(index: number, bytes: Uint8Array, inFlight: Set<number>): Promise<void> {
    const intact =
      bytes.length === chunkLength(this.#manifest, index) &&
      equalBytes(await this.#dependencies.hash(bytes), chunkHash(this.#manifest, index));
    if (!intact) {
      inFlight.add(index);
      throw new ContentError(`chunk ${index} has another hash`);
    }
    await this.#dependencies.store.putChunk(this.#cid, index, bytes);
    this.#bytes += bytes.length;
    this.#missing--;
    this.#options.onProgress?.(this.#bytes, this.#manifest.size);
    if (this.#missing === 0) this.#ended.abort(new DOMException('Complete.', 'AbortError'));
    this.#notify();
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
