import { equalBytes } from '../../protocol/bytes.ts';
import { deadline, type Scheduler, wait } from '../scheduler.ts';
import { ContentError, type FetchOptions } from './content.ts';
import { decodeResponse, encodeRequest, MAX_RESPONSE, type Request, type Response } from './frames.ts';
import {
  chunkCount,
  chunkHash,
  chunkLength,
  decodeManifest,
  type Hash,
  type Manifest,
  parseCid,
} from './manifest.ts';
import type { ContentStore } from './store.ts';
import type { Channel, ContentTransport } from './transport.ts';

export interface FetchDependencies {
  readonly store: ContentStore;
  readonly transport: ContentTransport;
  readonly scheduler: Scheduler;
  readonly hash: Hash;
  /** Milliseconds without an answer after which a peer is given up. */
  readonly patience?: number;
  /** Requests under way to one peer. The reader's only brake: WebRTC streams do not slow the sender. */
  readonly window?: number;
}

/** Peers asked at the same time for one file. */
const PEERS = 4;
const PATIENCE = 5_000;
const WINDOW = 4;
/** Times a peer may say 'busy' before it is given up, a second apart. */
const BUSY = 30;

/** One conversation with a peer: requests out, answers in, each under a time limit. */
class Conversation {
  readonly #parts: FetchDependencies;
  readonly #channel: Channel;
  readonly #signal: AbortSignal;

  private constructor(parts: FetchDependencies, channel: Channel, signal: AbortSignal) {
    this.#parts = parts;
    this.#channel = channel;
    this.#signal = signal;
  }

  static async open(parts: FetchDependencies, peerId: string, signal: AbortSignal): Promise<Conversation> {
    const limit = deadline(parts.scheduler, parts.patience ?? PATIENCE, signal);
    const channel = await parts.transport.open(peerId, limit.signal).finally(limit.release);
    return new Conversation(parts, channel, signal);
  }

  async ask(request: Request): Promise<void> {
    const limit = deadline(this.#parts.scheduler, this.#parts.patience ?? PATIENCE, this.#signal);
    await this.#channel.write(encodeRequest(request), limit.signal).finally(limit.release);
  }

  async answer(): Promise<Response> {
    const limit = deadline(this.#parts.scheduler, this.#parts.patience ?? PATIENCE, this.#signal);
    const frame = await this.#channel.read(limit.signal).finally(limit.release);
    if (frame.length > MAX_RESPONSE) throw new ContentError('The answer is longer than any may be.');
    return decodeResponse(frame);
  }

  /** One request and its answer's bytes, with patience for 'busy'. */
  async get(request: Request): Promise<Uint8Array> {
    for (let tries = 0; tries < BUSY; tries++) {
      await this.ask(request);
      const { status, bytes } = await this.answer();
      if (status === 'found') return bytes;
      if (status === 'absent') throw new ContentError('The peer does not have it.');
      await wait(this.#parts.scheduler, 1_000, this.#signal);
    }
    throw new ContentError('The peer is busy.');
  }

  close(): void {
    this.#channel.close();
  }
}

/** Asks one peer after another until one gives bytes whose sha2-256 is the CID's. Throws ContentError. */
export async function fetchWhole(
  parts: FetchDependencies,
  cid: string,
  sources: readonly string[],
  options: FetchOptions = {},
): Promise<Uint8Array> {
  const { kind, digest } = parseCid(cid);
  const signal = options.signal ?? new AbortController().signal;
  const causes: string[] = [];
  for (const peerId of sources) {
    signal.throwIfAborted();
    let conversation: Conversation | null = null;
    try {
      conversation = await Conversation.open(parts, peerId, signal);
      const request = { kind: kind === 'object' ? 'object' : 'manifest', index: 0, cid } as const;
      const bytes = await conversation.get(request);
      if (equalBytes(await parts.hash(bytes), digest)) return bytes;
      causes.push(`${peerId} sent other bytes`);
    } catch (error) {
      signal.throwIfAborted();
      causes.push(`${peerId}: ${error instanceof Error ? error.message : 'failed'}`);
    } finally {
      conversation?.close();
    }
  }
  throw new ContentError(`No peer gave ${cid} (${causes.join('; ') || 'none to ask'}).`);
}

/**
 * Fetches a file's missing chunks from several peers at once into the store. A peer that is silent, lacks a chunk or
 * sends a wrong one is given up and its chunks go to the others. Throws ContentError when nobody is left; what was
 * verified stays.
 */
export async function fetchChunks(
  parts: FetchDependencies,
  cid: string,
  sources: readonly string[],
  options: FetchOptions = {},
): Promise<void> {
  const { store } = parts;
  let manifest = await store.manifest(cid);
  if (manifest === null) {
    manifest = decodeManifest(await fetchWhole(parts, cid, sources, options));
    await store.putManifest(cid, manifest);
  }
  const held = await store.held(cid);
  const job = new FileJob(parts, cid, manifest, held, options);
  await job.run(sources);
}

class FileJob {
  readonly #parts: FetchDependencies;
  readonly #cid: string;
  readonly #manifest: Manifest;
  readonly #options: FetchOptions;
  readonly #ended = new AbortController();
  readonly #signal: AbortSignal;
  readonly #todo: number[] = [];
  readonly #causes: string[] = [];
  #missing: number;
  #bytes = 0;
  #waiting: (() => void)[] = [];

  constructor(
    parts: FetchDependencies,
    cid: string,
    manifest: Manifest,
    held: ReadonlySet<number>,
    options: FetchOptions,
  ) {
    this.#parts = parts;
    this.#cid = cid;
    this.#manifest = manifest;
    this.#options = options;
    const signals = options.signal === undefined ? [] : [options.signal];
    this.#signal = AbortSignal.any([this.#ended.signal, ...signals]);
    for (let index = chunkCount(manifest) - 1; index >= 0; index--) {
      if (held.has(index)) this.#bytes += chunkLength(manifest, index);
      else this.#todo.push(index);
    }
    this.#missing = this.#todo.length;
  }

  async run(sources: readonly string[]): Promise<void> {
    this.#options.onProgress?.(this.#bytes, this.#manifest.size);
    const queue = [...sources];
    const worker = async (): Promise<void> => {
      for (let peerId = queue.shift(); peerId !== undefined && this.#missing > 0; peerId = queue.shift()) {
        await this.#drain(peerId);
      }
    };
    await Promise.all(Array.from({ length: Math.min(PEERS, sources.length) }, worker));
    this.#options.signal?.throwIfAborted();
    if (this.#missing > 0) {
      const why = this.#causes.join('; ') || 'none to ask';
      throw new ContentError(
        `${this.#missing} chunks of ${this.#cid} are missing (${why}). Try again with other peers.`,
      );
    }
  }

  /** Fetches from one peer until nothing is missing or the peer fails. */
  async #drain(peerId: string): Promise<void> {
    const underWay = new Set<number>();
    let conversation: Conversation | null = null;
    let busy = 0;
    try {
      conversation = await Conversation.open(this.#parts, peerId, this.#signal);
      while (this.#missing > 0) {
        while (underWay.size < (this.#parts.window ?? WINDOW)) {
          const index = this.#todo.pop();
          if (index === undefined) break;
          underWay.add(index);
          await conversation.ask({ kind: 'chunk', index, cid: this.#cid });
        }
        if (underWay.size === 0) {
          // All the rest is under way at other peers, one of which may yet fail.
          await this.#change();
          continue;
        }
        const { status, index, bytes } = await conversation.answer();
        if (!underWay.delete(index)) throw new ContentError('an answer to nothing asked');
        if (status !== 'found') {
          this.#giveBack(index);
          if (status === 'absent' || ++busy > BUSY) throw new ContentError(`chunk ${index} is ${status}`);
          await wait(this.#parts.scheduler, 1_000, this.#signal);
          continue;
        }
        busy = 0;
        await this.#keep(index, bytes, underWay);
      }
    } catch (error) {
      if (this.#missing > 0)
        this.#causes.push(`${peerId}: ${error instanceof Error ? error.message : 'failed'}`);
    } finally {
      for (const index of underWay) this.#giveBack(index);
      conversation?.close();
    }
  }

  async #keep(index: number, bytes: Uint8Array, underWay: Set<number>): Promise<void> {
    const isRight =
      bytes.length === chunkLength(this.#manifest, index) &&
      equalBytes(await this.#parts.hash(bytes), chunkHash(this.#manifest, index));
    if (!isRight) {
      underWay.add(index);
      throw new ContentError(`chunk ${index} has another hash`);
    }
    await this.#parts.store.putChunk(this.#cid, index, bytes);
    this.#bytes += bytes.length;
    this.#missing--;
    this.#options.onProgress?.(this.#bytes, this.#manifest.size);
    if (this.#missing === 0) this.#ended.abort(new DOMException('Complete.', 'AbortError'));
    this.#notify();
  }

  #giveBack(index: number): void {
    this.#todo.push(index);
    this.#notify();
  }

  #change(): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(this.#signal.reason);
      if (this.#signal.aborted) return abort();
      this.#signal.addEventListener('abort', abort, { once: true });
      this.#waiting.push(() => {
        this.#signal.removeEventListener('abort', abort);
        resolve();
      });
    });
  }

  #notify(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}
