import { deadline, type Scheduler, wait } from '../scheduler.ts';
import { ContentError } from './content-error.ts';
import { decodeResponse, encodeRequest, MAX_RESPONSE, type Request, type Response } from './frames.ts';
import type { Hash } from './manifest.ts';
import type { ContentStore } from './store.ts';
import type { Channel, ContentTransport } from './transport.ts';

export interface FetchDependencies {
  readonly store: ContentStore;
  readonly transport: ContentTransport;
  readonly scheduler: Scheduler;
  readonly hash: Hash;
  /** Milliseconds without a response after which a peer is given up. Defaults to 5,000. */
  readonly timeout?: number;
}

const TIMEOUT_MS = 5_000;
/** A peer is given up after so many 'busy' responses, a second apart. */
export const MAX_BUSY = 30;

/** Requests to one peer and its responses, each under a time limit. */
export class PeerClient {
  readonly #dependencies: FetchDependencies;
  readonly #channel: Channel;
  readonly #signal: AbortSignal;

  private constructor(dependencies: FetchDependencies, channel: Channel, signal: AbortSignal) {
    this.#dependencies = dependencies;
    this.#channel = channel;
    this.#signal = signal;
  }

  /** Opens a channel to the peer. Rejects when the peer cannot be reached in time. */
  static async open(
    dependencies: FetchDependencies,
    peerId: string,
    signal: AbortSignal,
  ): Promise<PeerClient> {
    const limit = deadline(dependencies.scheduler, dependencies.timeout ?? TIMEOUT_MS, signal);
    const channel = await dependencies.transport.open(peerId, limit.signal).finally(limit.release);
    return new PeerClient(dependencies, channel, signal);
  }

  async send(request: Request): Promise<void> {
    const limit = this.#limit();
    await this.#channel.write(encodeRequest(request), limit.signal).finally(limit.release);
  }

  async receive(): Promise<Response> {
    const limit = this.#limit();
    const frame = await this.#channel.read(limit.signal).finally(limit.release);
    if (frame.length > MAX_RESPONSE) throw new ContentError('The response is longer than any may be.');
    return decodeResponse(frame);
  }

  /** Sends one request and resolves with the bytes of its response. Tries again while the peer is busy. */
  async request(request: Request): Promise<Uint8Array> {
    for (let tries = 0; tries < MAX_BUSY; tries++) {
      await this.send(request);
      const { status, bytes } = await this.receive();
      if (status === 'found') return bytes;
      if (status === 'absent') throw new ContentError('The peer does not have it.');
      await wait(this.#dependencies.scheduler, 1_000, this.#signal);
    }
    throw new ContentError('The peer is busy.');
  }

  close(): void {
    this.#channel.close();
  }

  #limit(): ReturnType<typeof deadline> {
    const { scheduler, timeout = TIMEOUT_MS } = this.#dependencies;
    return deadline(scheduler, timeout, this.#signal);
  }
}
