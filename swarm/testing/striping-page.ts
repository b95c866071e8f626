/**
 * A page with one end of a striped channel, or of one plain data channel for comparison. Node carries the
 * session descriptions between two such pages, so that it can put a delay line between them.
 */
import type { Channel } from '../content/transport.ts';
import { acceptConnections, offerConnections } from '../striping/connect.ts';
import { stripedChannel } from '../striping/striped-channel.ts';
import { plainDataChannel } from './plain-data-channel.ts';

export interface StripingTest {
  /** Opens the channel. `connections` 0 opens one plain data channel. */
  open(side: 'offer' | 'accept', connections: number): Promise<void>;
  /** Takes what the other page gave to `window.carry`. */
  carried(text: string): void;
  /** Writes `bytes` bytes and waits for one byte. Returns milliseconds. */
  time(bytes: number): Promise<number>;
  /** Answers each of `count` messages with one byte. Returns the length and the sum of each. */
  answer(count: number): Promise<readonly { readonly length: number; readonly sum: number }[]>;
  close(): void;
  /** Reads until the channel ends. Returns how many messages came before. */
  drain(): Promise<number>;
  write(bytes: number, count: number): Promise<void>;
}

const inbox: string[] = [];
let wake: () => void = () => undefined;
let channel: Channel | null = null;

/** The signalling channel, as one message each way. */
const signalling: Channel = {
  peerId: 'other page',
  async read(signal) {
    while (inbox.length === 0) {
      signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        wake = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return new TextEncoder().encode(inbox.shift());
  },
  write: (frame) => window.carry(new TextDecoder().decode(frame)),
  close: () => undefined,
};

/** What waits longer has failed. The test then says which call it was. */
function soon(): AbortSignal {
  return AbortSignal.timeout(60_000);
}

function opened(): Channel {
  if (channel === null) throw new Error('Call open first.');
  return channel;
}

function filled(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => (i * 7) % 251);
}

const api: StripingTest = {
  async open(side, connections) {
    if (connections === 0) {
      channel = await plainDataChannel(signalling, side);
      return;
    }
    const options = { signalling, signal: soon(), connections };
    const pipes = side === 'offer' ? await offerConnections(options) : await acceptConnections(options);
    channel = stripedChannel({ peerId: 'other page', pipes });
  },
  carried(text) {
    inbox.push(text);
    wake();
  },
  async time(bytes) {
    const message = filled(bytes);
    const start = performance.now();
    await opened().write(message, soon());
    await opened().read(soon());
    return performance.now() - start;
  },
  async answer(count) {
    const seen: { readonly length: number; readonly sum: number }[] = [];
    for (let n = 0; n < count; n++) {
      const message = await opened().read(soon());
      await opened().write(Uint8Array.of(1), soon());
      seen.push({ length: message.length, sum: message.reduce((sum, byte) => sum + byte, 0) });
    }
    return seen;
  },
  close() {
    opened().close();
  },
  async drain() {
    for (let n = 0; ; n++) {
      const signal = soon();
      try {
        await opened().read(signal);
      } catch {
        signal.throwIfAborted();
        return n;
      }
    }
  },
  async write(bytes, count) {
    for (let n = 0; n < count; n++) await opened().write(filled(bytes), soon());
  },
};

Object.assign(window, { stripingTest: api });
