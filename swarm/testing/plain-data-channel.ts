/**
 * What a libp2p stream over WebRTC is: one ordered data channel, with messages of 16 KiB. Striping is
 * compared with it.
 */
import type { Channel } from '../content/transport.ts';

const MESSAGE = 16 * 1024;
const LENGTH_BYTES = 4;

/** A channel over one connection, with the descriptions in one message each way. */
export async function plainDataChannel(signalling: Channel, side: 'offer' | 'accept'): Promise<Channel> {
  const { signal } = new AbortController();
  const connection = new RTCPeerConnection({ iceServers: [] });
  const opened =
    side === 'offer'
      ? whenOpen(connection.createDataChannel('plain'))
      : new Promise<RTCDataChannel>((resolve) =>
          connection.addEventListener('datachannel', ({ channel }) => resolve(channel)),
        );
  if (side === 'offer') {
    await connection.setLocalDescription(await connection.createOffer());
    await signalling.write(await described(connection), signal);
    await connection.setRemoteDescription({ type: 'answer', sdp: await read(signalling) });
  } else {
    await connection.setRemoteDescription({ type: 'offer', sdp: await read(signalling) });
    await connection.setLocalDescription(await connection.createAnswer());
    await signalling.write(await described(connection), signal);
  }
  return framed(await opened);
}

async function read(signalling: Channel): Promise<string> {
  const texts: unknown = JSON.parse(
    new TextDecoder().decode(await signalling.read(new AbortController().signal)),
  );
  return Array.isArray(texts) ? String(texts[0]) : '';
}

async function described(connection: RTCPeerConnection): Promise<Uint8Array> {
  while (connection.iceGatheringState !== 'complete') {
    await new Promise((resolve) =>
      connection.addEventListener('icegatheringstatechange', resolve, { once: true }),
    );
  }
  return new TextEncoder().encode(JSON.stringify([connection.localDescription?.sdp ?? '']));
}

function whenOpen(channel: RTCDataChannel): Promise<RTCDataChannel> {
  return new Promise((resolve) => channel.addEventListener('open', () => resolve(channel), { once: true }));
}

/** Messages with their length before them. */
function framed(data: RTCDataChannel): Channel {
  data.binaryType = 'arraybuffer';
  let held = new Uint8Array();
  let wake: () => void = () => undefined;
  data.addEventListener('message', ({ data: bytes }: MessageEvent<ArrayBuffer>) => {
    const joined = new Uint8Array(held.length + bytes.byteLength);
    joined.set(held);
    joined.set(new Uint8Array(bytes), held.length);
    held = joined;
    wake();
  });
  return {
    peerId: 'other page',
    async read() {
      for (;;) {
        if (held.length >= LENGTH_BYTES) {
          const end = LENGTH_BYTES + new DataView(held.buffer, held.byteOffset).getUint32(0);
          if (held.length >= end) {
            const message = held.slice(LENGTH_BYTES, end);
            held = held.slice(end);
            return message;
          }
        }
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    async write(frame) {
      const whole = new Uint8Array(LENGTH_BYTES + frame.length);
      new DataView(whole.buffer).setUint32(0, frame.length);
      whole.set(frame, LENGTH_BYTES);
      for (let at = 0; at < whole.length; at += MESSAGE) data.send(whole.slice(at, at + MESSAGE));
    },
    close: () => data.close(),
  };
}
