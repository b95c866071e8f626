import type { Channel, ContentTransport } from '../content/transport.ts';
import { type Scheduler, wait } from '../scheduler.ts';
import { FrameQueue } from './memory-transport.ts';

/** What a device's connection can do. */
export interface Link {
  /** Bytes a millisecond, each way. 40 Mbit/s is 5,000. */
  readonly bytesPerMs: number;
  /** Milliseconds from one device to another. */
  readonly latencyMs: number;
}

interface Device {
  readonly link: Link;
  handle: ((channel: Channel) => Promise<void>) | null;
  upFree: number;
  downFree: number;
  readonly channels: Set<() => void>;
}

/**
 * Content channels over links of a certain speed, on a simulated clock. Everything that a device sends, to
 * whomever, goes through its uplink one frame after another, and the same holds for its downlink. `scale`
 * makes each byte count as many.
 */
export class SimulatedLinks {
  readonly #devices = new Map<string, Device>();
  readonly #scheduler: Scheduler;
  readonly #scale: number;

  constructor(scheduler: Scheduler, scale = 1) {
    this.#scheduler = scheduler;
    this.#scale = scale;
  }

  /** The transport of a device, which is there from now on. */
  transport(name: string, link: Link): ContentTransport {
    const own: Device = { link, handle: null, upFree: 0, downFree: 0, channels: new Set() };
    this.#devices.set(name, own);
    return {
      open: async (peerId, signal) => {
        const other = this.#devices.get(peerId);
        await wait(this.#scheduler, 2 * link.latencyMs, signal);
        // Whoever has gone does not say so: packets to it are lost.
        if (other?.handle == null || this.#devices.get(peerId) !== other) {
          await wait(this.#scheduler, 600_000, signal);
          throw new Error(`${peerId} cannot be reached`);
        }
        const toServer = new FrameQueue();
        const toClient = new FrameQueue();
        const end = (): void => {
          toServer.end();
          toClient.end();
          own.channels.delete(end);
          other.channels.delete(end);
        };
        own.channels.add(end);
        other.channels.add(end);
        const far = { peerId: name, end, inward: toServer, outward: toClient };
        void other.handle(this.#channel(other, own, far));
        return this.#channel(own, other, { peerId, end, inward: toClient, outward: toServer });
      },
      serve: async (handle) => {
        own.handle = handle;
        return async () => {
          own.handle = null;
        };
      },
    };
  }

  /** The device is gone, with all that was on its way. */
  cut(name: string): void {
    const device = this.#devices.get(name);
    this.#devices.delete(name);
    for (const end of [...(device?.channels ?? [])]) end();
  }

  #channel(
    from: Device,
    to: Device,
    ends: { peerId: string; end: () => void; inward: FrameQueue; outward: FrameQueue },
  ): Channel {
    const { peerId, end, inward, outward } = ends;
    return {
      peerId,
      read: (signal) => inward.shift(signal),
      write: async (frame, signal) => {
        signal.throwIfAborted();
        const now = this.#scheduler.now();
        const size = frame.length * this.#scale;
        from.upFree = Math.max(now, from.upFree) + size / from.link.bytesPerMs;
        const arrives = from.upFree + from.link.latencyMs;
        to.downFree = Math.max(arrives - size / to.link.bytesPerMs, to.downFree) + size / to.link.bytesPerMs;
        this.#scheduler.after(Math.max(arrives, to.downFree) - now, () => outward.push(frame));
        await wait(this.#scheduler, from.upFree - now, signal);
      },
      close: end,
    };
  }
}
