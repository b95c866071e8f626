/**
 * Channels between pipeline neighbours. Where both sides have WebRTC, a channel is striped over several
 * connections of its own; else it is the plain stream. docs/protocol.md has the rules.
 */
import type { Channel, ContentTransport } from '../content/transport.ts';
import { deadline, systemScheduler } from '../scheduler.ts';
import { acceptConnections, type ConnectOptions, offerConnections, StripeError } from './connect.ts';
import { stripedChannel } from './striped-channel.ts';

/** What a side says first on a new stream. */
const PLAIN = 0;
const STRIPED = 1;

/** Peers that may hold striped channels to this one at once. Chromium has 500 connections for a page. */
const STRIPED_PEERS = 16;
/** In which a side must say what it wants. */
const ASK_MS = 20_000;

export interface StripedTransportOptions
  extends Pick<ConnectOptions, 'iceServers' | 'connections' | 'scheduler' | 'create'> {
  /** Plain streams, which name the peer at the other end with certainty. */
  readonly plain: ContentTransport;
  /** Whether this host has WebRTC. Defaults to whether there is an RTCPeerConnection. */
  readonly hasWebRTC?: boolean;
}

/**
 * A transport that stripes where both sides can. A channel whose further connections fail is opened again as
 * a plain stream. A peer has one striped channel to this one at a time; its place is free when `handle`
 * settles.
 */
export function stripedTransport(options: StripedTransportOptions): ContentTransport {
  const { plain, hasWebRTC = typeof globalThis.RTCPeerConnection === 'function' } = options;
  const scheduler = options.scheduler ?? systemScheduler;
  /** By peer, the striped channel that it opened. A new one takes the place of the last. */
  const striped = new Map<string, Channel | null>();

  async function accept(stream: Channel): Promise<Channel> {
    const { peerId } = stream;
    const limit = deadline(scheduler, ASK_MS);
    const { signal } = limit;
    let reserved = false;
    try {
      const [asked] = await stream.read(signal);
      const before = striped.get(peerId);
      // `null` is a channel that is being opened.
      reserved = asked === STRIPED && hasWebRTC && before !== null;
      reserved &&= before !== undefined || striped.size < STRIPED_PEERS;
      await stream.write(Uint8Array.of(reserved ? STRIPED : PLAIN), signal);
      if (!reserved) return stream;
      before?.close();
      striped.set(peerId, null);
      const pipes = await acceptConnections({ ...options, signalling: stream, signal });
      const channel = stripedChannel({ peerId, pipes });
      striped.set(peerId, channel);
      return channel;
    } catch (error) {
      if (reserved) striped.delete(peerId);
      throw error;
    } finally {
      limit.release();
    }
  }

  async function serveOne(stream: Channel, handle: (channel: Channel) => Promise<void>): Promise<void> {
    let channel: Channel;
    try {
      channel = await accept(stream);
    } catch {
      // The other side opens a plain stream when it cannot stripe.
      stream.close();
      return;
    }
    try {
      await handle(channel);
    } finally {
      if (striped.get(stream.peerId) === channel) striped.delete(stream.peerId);
    }
  }

  async function plainly(stream: Channel, signal: AbortSignal): Promise<Channel> {
    await stream.write(Uint8Array.of(PLAIN), signal);
    await stream.read(signal);
    return stream;
  }

  return {
    async open(peerId, signal) {
      const stream = await plain.open(peerId, signal);
      if (!hasWebRTC) return await plainly(stream, signal);
      await stream.write(Uint8Array.of(STRIPED), signal);
      const [answer] = await stream.read(signal);
      if (answer !== STRIPED) return stream;
      try {
        const pipes = await offerConnections({ ...options, signalling: stream, signal });
        return stripedChannel({ peerId, pipes });
      } catch (error) {
        if (!(error instanceof StripeError)) throw error;
        return await plainly(await plain.open(peerId, signal), signal);
      } finally {
        stream.close();
      }
    },
    serve(handle) {
      return plain.serve((stream) => serveOne(stream, handle));
    },
  };
}
