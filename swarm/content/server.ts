import { deadline, type Scheduler } from '../scheduler.ts';
import { type Quota, TokenBuckets } from '../token-bucket.ts';
import { CHANNEL_LIMITS, type ChannelLimits, ChannelPlaces, type Requester } from './channel-places.ts';
import { decodeRequest, encodeResponse, type Request, type Response } from './frames.ts';
import { encodeManifest } from './manifest.ts';
import type { ContentStore } from './store.ts';
import type { Channel, ContentTransport } from './transport.ts';

export interface ServeOptions {
  readonly store: ContentStore;
  readonly transport: ContentTransport;
  readonly scheduler: Scheduler;
  /**
   * Bytes that one peer is sent. Beyond it the answer is 'busy'. Defaults to 8 MiB a second, burst 64 MiB.
   */
  readonly bytesPerPeer?: Quota;
  /** Bytes that all peers without a record are sent together. Defaults to twice of what one peer is. */
  readonly bytesForStrangers?: Quota;
  /** Channels served at once. Further ones are closed. Defaults to `CHANNEL_LIMITS`. */
  readonly channels?: Partial<ChannelLimits>;
  /** What is known of a peer. Defaults to nothing, so that each is a stranger with an account of its own. */
  readonly requesterOf?: (peerId: string) => Requester;
}

/** Milliseconds without a request after which a channel is closed. */
const IDLE_MS = 10_000;
/** Milliseconds that a peer may take to receive one response. */
const SEND_TIMEOUT_MS = 30_000;
const EMPTY = new Uint8Array();
const STRANGERS = 'strangers';

/** Serves the content of the store. Resolves with how to stop. */
export async function serveContent(options: ServeOptions): Promise<() => Promise<void>> {
  const { store, transport, scheduler } = options;
  const places = new ChannelPlaces({ ...CHANNEL_LIMITS, ...options.channels }, () => scheduler.now());
  const quota = options.bytesPerPeer ?? { perSecond: 8 * 1024 * 1024, burst: 64 * 1024 * 1024 };
  const buckets = new TokenBuckets(quota, () => scheduler.now());
  const strangers = new TokenBuckets(
    options.bytesForStrangers ?? { perSecond: 2 * quota.perSecond, burst: 2 * quota.burst },
    () => scheduler.now(),
  );
  const requesterOf = options.requesterOf ?? ((peerId) => ({ hasRecord: false, account: peerId }));
  const ended = new AbortController();

  async function answer(request: Request, peerId: string, { hasRecord }: Requester): Promise<Response> {
    const bytes = await find(store, request);
    if (bytes === null) return { status: 'absent', index: request.index, bytes: EMPTY };
    // Charged before sending. A request for absent content costs nothing.
    const isTaken =
      buckets.take(peerId, bytes.length) === 'taken' &&
      (hasRecord || strangers.take(STRANGERS, bytes.length) === 'taken');
    return isTaken
      ? { status: 'found', index: request.index, bytes }
      : { status: 'busy', index: request.index, bytes: EMPTY };
  }

  async function serve(channel: Channel): Promise<void> {
    const { peerId } = channel;
    const requester = requesterOf(peerId);
    const replaced = new AbortController();
    const place = places.take(peerId, requester, () => {
      replaced.abort(new DOMException('Another peer has the place.', 'AbortError'));
      channel.close();
    });
    if (place === null) {
      channel.close();
      return;
    }
    const stop = AbortSignal.any([ended.signal, replaced.signal]);
    try {
      for (;;) {
        const idle = deadline(scheduler, IDLE_MS, stop);
        const frame = await channel.read(idle.signal).finally(idle.release);
        place.lastProgress = scheduler.now();
        const response = await answer(decodeRequest(frame), peerId, requester);
        const slow = deadline(scheduler, SEND_TIMEOUT_MS, stop);
        await channel.write(encodeResponse(response), slow.signal).finally(slow.release);
        place.lastProgress = scheduler.now();
      }
    } catch {
      // The peer has ended the channel, was silent for too long, or sent something that is no request.
    } finally {
      places.release(place);
      channel.close();
    }
  }

  const unhandle = await transport.serve(serve);
  return async () => {
    ended.abort(new DOMException('Stopped.', 'AbortError'));
    await unhandle();
  };
}

async function find(store: ContentStore, { kind, cid, index }: Request): Promise<Uint8Array | null> {
  if (kind === 'object') return store.object(cid);
  if (kind === 'chunk') return store.chunk(cid, index);
  const manifest = await store.manifest(cid);
  return manifest === null ? null : encodeManifest(manifest);
}
