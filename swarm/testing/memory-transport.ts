import type { Channel, ContentTransport } from '../content/transport.ts';

/** Frames between peers of one process. */
export class MemoryNetwork {
  readonly #servers = new Map<string, (channel: Channel) => Promise<void>>();

  transport(name: string): ContentTransport {
    return {
      open: async (peerId, signal) => {
        signal.throwIfAborted();
        const handle = this.#servers.get(peerId);
        if (handle === undefined) throw new Error(`${peerId} cannot be reached`);
        const [near, far] = pair(peerId, name);
        void handle(far);
        return near;
      },
      serve: async (handle) => {
        this.#servers.set(name, handle);
        return async () => {
          this.#servers.delete(name);
        };
      },
    };
  }
}

function pair(server: string, client: string): readonly [Channel, Channel] {
  const toClient = new FrameQueue();
  const toServer = new FrameQueue();
  const end = (): void => {
    toClient.end();
    toServer.end();
  };
  const side = (peerId: string, inward: FrameQueue, outward: FrameQueue): Channel => ({
    peerId,
    read: (signal) => inward.shift(signal),
    write: async (frame, signal) => {
      signal.throwIfAborted();
      outward.push(frame);
    },
    close: end,
  });
  return [side(server, toClient, toServer), side(client, toServer, toClient)];
}

/** Frames on their way to a reader. */
export class FrameQueue {
  readonly #frames: Uint8Array[] = [];
  #ended = false;
  #wake: (() => void) | null = null;

  push(frame: Uint8Array): void {
    this.#frames.push(frame);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async shift(signal: AbortSignal): Promise<Uint8Array> {
    for (;;) {
      signal.throwIfAborted();
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      if (this.#ended) throw new Error('The other side has ended.');
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.#wake = wake;
        signal.addEventListener('abort', wake);
      });
    }
  }
}
