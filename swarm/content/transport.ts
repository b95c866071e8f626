import type { Libp2p } from '@libp2p/interface';
import { lpStream } from '@libp2p/utils';
import { peerIdOf } from '../peer-id-of.ts';
import { CONTENT_PROTOCOL, MAX_RESPONSE } from './frames.ts';

/** Whole frames to and from one peer. */
export interface Channel {
  readonly peerId: string;
  /**
   * The next frame. Rejects when the other side ends, when the frame is longer than allowed, or by the
   * signal.
   */
  read(signal: AbortSignal): Promise<Uint8Array>;
  /** Resolves when the network can take more: back-pressure. */
  write(frame: Uint8Array, signal: AbortSignal): Promise<void>;
  close(): void;
}

/**
 * Channels between peers. testing/content-transport-contract.ts tests the rules:
 *
 * - [CT-01] Frames arrive whole and in order, both ways, up to MAX_RESPONSE bytes.
 * - [CT-02] Both ends name the peer at the other end. Channels of one pair of peers are apart.
 * - [CT-03] A read rejects when the other side has closed, after the frames that came before.
 * - [CT-04] `open` and `read` reject when their signal aborts. A `write` that does not have to wait may still
 *   resolve.
 * - [CT-05] `open` rejects for a peer that does not serve, or no longer.
 */
export interface ContentTransport {
  open(peerId: string, signal: AbortSignal): Promise<Channel>;
  /** Calls `handle` for every channel that others open, until the returned function is called. */
  serve(handle: (channel: Channel) => Promise<void>): Promise<() => Promise<void>>;
}

/** Streams that one connection may have open towards this peer. More are reset. */
const STREAMS = 4;
const CLOSE_TIMEOUT_MS = 5_000;

type Stream = Parameters<Parameters<Libp2p['handle']>[1]>[0];

/** A protocol over frames. */
export interface FrameProtocol {
  readonly id: string;
  /** Bytes of the longest frame. */
  readonly maxFrame: number;
}

const CONTENT: FrameProtocol = { id: CONTENT_PROTOCOL, maxFrame: MAX_RESPONSE };

/**
 * Frames over libp2p streams with unsigned-varint length prefixes. Never over a relay's limited connection.
 * Defaults to the content protocol.
 */
export function libp2pContentTransport(
  libp2p: Pick<Libp2p, 'dialProtocol' | 'handle' | 'unhandle'>,
  protocol: FrameProtocol = CONTENT,
): ContentTransport {
  return {
    async open(peerId, signal) {
      const stream = await libp2p.dialProtocol(peerIdOf(peerId), protocol.id, { signal });
      return channelOver(stream, peerId, protocol);
    },
    async serve(handle) {
      await libp2p.handle(
        protocol.id,
        (stream, connection) => handle(channelOver(stream, connection.remotePeer.toString(), protocol)),
        { maxInboundStreams: STREAMS, maxOutboundStreams: STREAMS, runOnLimitedConnection: false },
      );
      return () => libp2p.unhandle(protocol.id);
    },
  };
}

function channelOver(stream: Stream, peerId: string, { maxFrame }: FrameProtocol): Channel {
  const frames = lpStream(stream, { maxDataLength: maxFrame, maxBufferSize: 8 * maxFrame });
  return {
    peerId,
    async read(signal) {
      const frame = await frames.read({ signal });
      return frame.subarray();
    },
    write: (frame, signal) => frames.write(frame, { signal }),
    close() {
      // A peer that reads nothing keeps a stream from closing.
      stream
        .close({ signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) })
        .catch((error: unknown) => stream.abort(error instanceof Error ? error : new Error('closed')));
    },
  };
}
