import { deadline, type Scheduler } from '../scheduler.ts';
import { type Quota, TokenBuckets } from '../token-bucket.ts';
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
  /** Channels served at once. Further ones are closed. Defaults to 32. */
  readonly channels?: number;
}

/** Milliseconds without a request after which a channel is closed. */
const IDLE_MS = 60_000;
/** Milliseconds that a peer may take to receive one response. */
const SEND_TIMEOUT_MS = 30_000;
const EMPTY = new Uint8Array();

/** Serves the content of the store. Resolves with how to stop. */
export async function serveContent(options: ServeOptions): Promise<() => Promise<void>> {
  const { store, transport, scheduler } = options;
  const limit = options.channels ?? 32;
  const quota = options.bytesPerPeer ?? { perSecond: 8 * 1024 * 1024, burst: 64 * 1024 * 1024 };
  const buckets = new TokenBuckets(quota, () => scheduler.now());
  const ended = new AbortController();
  let open = 0;

  async function answer(request: Request, peerId: string): Promise<Response> {
    const bytes = await find(store, request);
    if (bytes === null) return { status: 'absent', index: request.index, bytes: EMPTY };
    // Charged before sending. A request for absent content costs nothing.
    if (buckets.take(peerId, bytes.length) !== 'taken')
      return { status: 'busy', index: request.index, bytes: EMPTY };
    return { status: 'found', index: request.index, bytes };
  }

  async function serve(channel: Channel): Promise<void> {
    if (open >= limit) {
      channel.close();
      return;
    }
    open++;
    try {
      for (;;) {
        const idle = deadline(scheduler, IDLE_MS, ended.signal);
        const frame = await channel.read(idle.signal).finally(idle.release);
        const response = await answer(decodeRequest(frame), channel.peerId);
        const slow = deadline(scheduler, SEND_TIMEOUT_MS, ended.signal);
        await channel.write(encodeResponse(response), slow.signal).finally(slow.release);
      }
    } catch {
      // The peer has ended the channel, was silent for too long, or sent something that is no request.
    } finally {
      open--;
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
