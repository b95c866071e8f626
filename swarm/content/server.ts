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
   * Bytes that one peer is sent. Beyond it the answer is 'busy', unless the peer has a record and nobody else
   * with one is being served. Defaults to 8 MiB a second, burst 64 MiB.
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
/** Answers of one channel that are read from the store while an earlier one is sent. */
const AHEAD = 4;
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

  async function answer(request: Request, peerId: string, requester: Requester): Promise<Response> {
    const { hasRecord, account } = requester;
    const bytes = await find(store, request);
    if (bytes === null) return { status: 'absent', index: request.index, bytes: EMPTY };
    // Charged before sending. A request for absent content costs nothing.
    const hasQuota =
      buckets.take(peerId, bytes.length) === 'taken' &&
      (hasRecord || strangers.take(STRANGERS, bytes.length) === 'taken');
    // What nobody else with a record asks for would be left unused.
    return hasQuota || (hasRecord && places.isAlone(account))
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
    const failed = new AbortController();
    const stop = AbortSignal.any([ended.signal, replaced.signal, failed.signal]);
    /** Ends of the answers that were begun last, in the order of their requests. */
    const answers: Promise<void>[] = [];
    let last = Promise.resolve();
    let unsent = 0;
    const stopWatching = watchIdle(scheduler, {
      isWaiting: () => unsent === 0,
      since: () => place.lastProgress,
      end: () => failed.abort(new DOMException('No request came.', 'TimeoutError')),
    });
    const send = async (response: Response): Promise<void> => {
      const slow = deadline(scheduler, SEND_TIMEOUT_MS, stop);
      await channel.write(encodeResponse(response), slow.signal).finally(slow.release);
      place.lastProgress = scheduler.now();
      unsent--;
    };
    try {
      for (;;) {
        const frame = await channel.read(stop);
        place.lastProgress = scheduler.now();
        const response = answer(decodeRequest(frame), peerId, requester);
        unsent++;
        last = Promise.all([response, last]).then(([next]) => send(next));
        last.catch((error: unknown) => failed.abort(error));
        answers.push(last);
        if (answers.length >= AHEAD) await answers.shift();
      }
    } catch {
      // The peer has ended the channel, was silent for too long, or sent something that is no request.
    } finally {
      stopWatching();
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

/** Calls `end` once the server has waited for a request for 10 s. */
function watchIdle(
  scheduler: Scheduler,
  channel: {
    /** Whether every request is answered. */
    readonly isWaiting: () => boolean;
    /** Local time of the last request or response, milliseconds. */
    readonly since: () => number;
    readonly end: () => void;
  },
): () => void {
  let cancel: () => void;
  const look = (): void => {
    const waited = channel.isWaiting() ? scheduler.now() - channel.since() : 0;
    if (waited >= IDLE_MS) channel.end();
    else cancel = scheduler.after(IDLE_MS - waited, look);
  };
  cancel = scheduler.after(IDLE_MS, look);
  return () => cancel();
}

async function find(store: ContentStore, { kind, cid, index }: Request): Promise<Uint8Array | null> {
  if (kind === 'object') return store.object(cid);
  if (kind === 'chunk') return store.chunk(cid, index);
  const manifest = await store.manifest(cid);
  return manifest === null ? null : encodeManifest(manifest);
}
