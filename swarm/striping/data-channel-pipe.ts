import { BUFFERED, type Pipe } from './striped-channel.ts';

/** How long a closed data channel may take to send what it holds. Its connection is closed then. */
const CLOSE_MS = 5_000;

/** One data channel of a connection that has no other, as a pipe. It closes the connection with itself. */
export function dataChannelPipe(connection: RTCPeerConnection, channel: RTCDataChannel): Pipe {
  channel.binaryType = 'arraybuffer';
  channel.bufferedAmountLowThreshold = BUFFERED / 2;
  let closed: (how: 'sent' | 'lost') => void = () => undefined;
  /** Slices that came before anybody listened: the other side may be ready sooner. */
  const early: Uint8Array[] = [];
  let taken: (slice: Uint8Array) => void = (slice) => early.push(slice);
  let isOver = false;
  const finish = (how: 'sent' | 'lost'): void => {
    if (isOver) return;
    isOver = true;
    connection.close();
    closed(how);
  };
  channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (data instanceof ArrayBuffer) taken(new Uint8Array(data));
  });
  channel.addEventListener('close', () => finish('sent'));
  connection.addEventListener('connectionstatechange', () => {
    if (connection.connectionState === 'failed') finish('lost');
  });
  return {
    get bufferedAmount() {
      return channel.bufferedAmount;
    },
    send(slice) {
      channel.send(slice);
    },
    onSlice(listen) {
      taken = listen;
      for (const slice of early.splice(0)) listen(slice);
    },
    onDrain(listen) {
      channel.addEventListener('bufferedamountlow', listen);
    },
    onClose(listen) {
      closed = listen;
      if (isOver) listen('lost');
    },
    close() {
      if (isOver) return;
      channel.close();
      const timer = setTimeout(() => finish('sent'), CLOSE_MS);
      channel.addEventListener('close', () => clearTimeout(timer));
    },
  };
}
