/**
 * One channel over several data channels of as many connections. Each connection has a congestion window of
 * its own, so that a message of some hundred kilobytes needs fewer round trips.
 */
import type { Channel } from '../content/transport.ts';
import { Reassembly, type ReassemblyLimits, slicesOf } from './slices.ts';

/** What a striped channel needs of a data channel. It may deliver out of order. */
export interface Pipe {
  /** Bytes that were given to `send` and are not sent yet. */
  readonly bufferedAmount: number;
  /** Throws when the data channel is closed. */
  send(slice: Uint8Array<ArrayBuffer>): void;
  /** Called for each slice that comes. */
  onSlice(listen: (slice: Uint8Array) => void): void;
  /** Called each time that fewer than `BUFFERED` bytes are left to send. */
  onDrain(listen: () => void): void;
  /**
   * Called once. `sent` says that either side closed the data channel, which comes after all that was sent in
   * it; `lost` that its connection failed.
   */
  onClose(listen: (how: 'sent' | 'lost') => void): void;
  close(): void;
}

/** Bytes that wait in one data channel. More would keep a small message behind a large one. */
export const BUFFERED = 256 * 1024;

/** Limits for what a peer sends. */
const STRIPE_LIMITS: ReassemblyLimits = {
  message: 16 * 1024 * 1024,
  open: 64,
  bytes: 64 * 1024 * 1024,
};

export interface StripedChannelOptions {
  readonly peerId: string;
  /** At least one. The channel owns them. */
  readonly pipes: readonly Pipe[];
  /** Defaults to STRIPE_LIMITS. */
  readonly limits?: ReassemblyLimits;
}

/**
 * A channel over these pipes. Messages are whole and in order. When one connection is lost, the channel ends,
 * because a message may lack its slices. A peer that breaks the rules of slices ends the channel too.
 */
export function stripedChannel({ peerId, pipes, limits = STRIPE_LIMITS }: StripedChannelOptions): Channel {
  const reassembly = new Reassembly(limits);
  const messages: Uint8Array[] = [];
  const waiting = new Set<() => void>();
  const open = new Set(pipes);
  let ended: Error | null = null;
  let number = 0;
  let turn = 0;

  const wake = (): void => {
    for (const run of [...waiting]) run();
  };
  const end = (error: Error): void => {
    if (ended !== null) return;
    ended = error;
    for (const pipe of pipes) pipe.close();
    wake();
  };

  for (const pipe of pipes) {
    pipe.onSlice((slice) => {
      if (ended !== null) return;
      try {
        const whole = reassembly.add(slice);
        if (whole.length === 0) return;
        messages.push(...whole);
        wake();
      } catch (error) {
        end(error instanceof Error ? error : new Error(String(error)));
      }
    });
    pipe.onDrain(wake);
    pipe.onClose((how) => {
      open.delete(pipe);
      // The other pipes may still bring what the other side sent before it closed them.
      if (how === 'lost' || open.size === 0) end(new Error('The channel has ended. Open it again.'));
    });
  }

  /** Resolves at the next event. Rejects when the signal aborts. */
  function changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        waiting.delete(settle);
        signal.removeEventListener('abort', settle);
        if (signal.aborted) reject(signal.reason);
        else resolve();
      };
      waiting.add(settle);
      signal.addEventListener('abort', settle);
    });
  }

  /** The pipe with the least to send; among equals, each in turn. */
  function emptiest(): Pipe | undefined {
    const inTurn = [...pipes.slice(turn), ...pipes.slice(0, turn)];
    turn = (turn + 1) % pipes.length;
    return inTurn.reduce<Pipe | undefined>(
      (best, pipe) => (best === undefined || pipe.bufferedAmount < best.bufferedAmount ? pipe : best),
      undefined,
    );
  }

  return {
    peerId,
    async read(signal) {
      for (;;) {
        signal.throwIfAborted();
        const message = messages.shift();
        if (message !== undefined) return message;
        if (ended !== null) throw ended;
        await changed(signal);
      }
    },
    async write(frame, signal) {
      if (frame.length > limits.message) {
        throw new RangeError(`A message has at most ${limits.message} bytes, not ${frame.length}.`);
      }
      signal.throwIfAborted();
      for (const slice of slicesOf(number++, frame)) {
        let pipe = emptiest();
        while (ended === null && (pipe === undefined || pipe.bufferedAmount >= BUFFERED)) {
          // The receiver waits for the rest of a message, so a channel with half of one is of no use.
          await changed(signal).catch((error: unknown) => {
            end(error instanceof Error ? error : new Error(String(error)));
          });
          pipe = emptiest();
        }
        if (ended !== null) throw ended;
        pipe?.send(slice);
      }
    },
    close() {
      end(new Error('The channel was closed.'));
    },
  };
}
