/**
 * Messages to and from the members of a pipeline, over channels that are opened when they are needed. Either
 * side's channel carries both ways. Messages to one device keep their order.
 */
import type { DeviceAddress } from '../../protocol/hex.ts';
import type { Channel, ContentTransport } from '../content/transport.ts';
import { deadline, type Scheduler } from '../scheduler.ts';

export interface LinksOptions {
  readonly transport: ContentTransport;
  readonly scheduler: Scheduler;
  /** The peer id of a device that is known. */
  readonly peerOf: (device: DeviceAddress) => string | undefined;
  /** The device behind a peer id. Undefined for one that is no member: its channel is closed. */
  readonly deviceOf: (peerId: string) => DeviceAddress | undefined;
  readonly onMessage: (from: DeviceAddress, bytes: Uint8Array) => void;
  /**
   * Called when a device cannot be reached, also not with another channel after the last one ended. It is
   * tried again at the next message.
   */
  readonly onGone: (device: DeviceAddress) => void;
}

export interface Links {
  /** Queues a message. One that cannot be sent is lost, and `onGone` is called. */
  send(to: DeviceAddress, bytes: Uint8Array): void;
  stop(): Promise<void>;
}

const OPEN_MS = 20_000;
/** A device that takes nothing for so long counts as gone. */
const WRITE_MS = 60_000;
/** Bytes that wait for one device. More means that it is too slow to be of use. */
const MOST_QUEUED = 256 * 1024 * 1024;

interface Neighbour {
  readonly queue: Uint8Array[];
  queued: number;
  readonly channels: Set<Channel>;
  isSending: boolean;
  /** Whether a channel was opened anew since the last message, in either direction. */
  isReopened: boolean;
}

/** Serves channels of others, and opens own ones. */
export async function openLinks(options: LinksOptions): Promise<Links> {
  const { transport, scheduler, peerOf, deviceOf, onMessage, onGone } = options;
  const neighbours = new Map<DeviceAddress, Neighbour>();
  const ended = new AbortController();

  const neighbourOf = (device: DeviceAddress): Neighbour => {
    const known = neighbours.get(device);
    if (known !== undefined) return known;
    const made: Neighbour = {
      queue: [],
      queued: 0,
      channels: new Set(),
      isSending: false,
      isReopened: false,
    };
    neighbours.set(device, made);
    return made;
  };

  const lose = (device: DeviceAddress): void => {
    const neighbour = neighbourOf(device);
    neighbour.queue.length = 0;
    neighbour.queued = 0;
    if (!ended.signal.aborted) onGone(device);
  };

  /** Reads until the channel ends. */
  async function read(device: DeviceAddress, channel: Channel): Promise<void> {
    const neighbour = neighbourOf(device);
    neighbour.channels.add(channel);
    try {
      for (;;) {
        const message = await channel.read(ended.signal);
        neighbour.isReopened = false;
        onMessage(device, message);
      }
    } catch {
      channel.close();
    } finally {
      neighbour.channels.delete(channel);
      if (neighbour.channels.size === 0) void reopen(device);
    }
  }

  /**
   * The last channel has ended, as when a direct connection takes the place of a relayed one. Only a device
   * that takes no other one is gone, or one that ends each channel at once.
   */
  async function reopen(device: DeviceAddress): Promise<void> {
    const neighbour = neighbourOf(device);
    // While a message is on its way to the device, `send` opens the next channel.
    if (ended.signal.aborted || neighbour.isSending) return;
    try {
      if (neighbour.isReopened) throw new Error(`${device} ends its channels.`);
      neighbour.isReopened = true;
      await open(device);
    } catch {
      lose(device);
    }
  }

  async function open(device: DeviceAddress): Promise<Channel> {
    const peerId = peerOf(device);
    if (peerId === undefined) throw new Error(`${device} is not known.`);
    const limit = deadline(scheduler, OPEN_MS, ended.signal);
    try {
      const channel = await transport.open(peerId, limit.signal);
      void read(device, channel);
      return channel;
    } finally {
      limit.release();
    }
  }

  async function drain(device: DeviceAddress): Promise<void> {
    const neighbour = neighbourOf(device);
    if (neighbour.isSending) return;
    neighbour.isSending = true;
    let isGone = false;
    try {
      for (let message = neighbour.queue.shift(); message !== undefined; message = neighbour.queue.shift()) {
        neighbour.queued -= message.length;
        await send(device, message);
      }
    } catch {
      isGone = true;
      lose(device);
    } finally {
      neighbour.isSending = false;
    }
    // The channel may have ended behind the last message.
    if (!isGone && neighbour.channels.size === 0) void reopen(device);
  }

  /** Sends one message, over another channel where the first one has ended. Rejects where that fails. */
  async function send(device: DeviceAddress, message: Uint8Array): Promise<void> {
    const [known] = neighbourOf(device).channels;
    if (known !== undefined && (await isWritten(known, device, message))) return;
    ended.signal.throwIfAborted();
    if (await isWritten(await open(device), device, message)) return;
    throw new Error(`${device} takes no messages.`);
  }

  /** Whether the channel took the message. It is closed where it did not. Rejects after WRITE_MS. */
  async function isWritten(channel: Channel, device: DeviceAddress, message: Uint8Array): Promise<boolean> {
    const limit = deadline(scheduler, WRITE_MS, ended.signal);
    try {
      await channel.write(message, limit.signal);
      return true;
    } catch (error) {
      channel.close();
      neighbourOf(device).channels.delete(channel);
      // A device that takes nothing for so long would not do so on another channel either.
      if (limit.signal.aborted) throw error;
      return false;
    } finally {
      limit.release();
    }
  }

  const stopServing = await transport.serve(async (channel) => {
    const device = deviceOf(channel.peerId);
    if (device === undefined || ended.signal.aborted) {
      channel.close();
      return;
    }
    await read(device, channel);
  });

  return {
    send(to, bytes) {
      if (ended.signal.aborted) return;
      const neighbour = neighbourOf(to);
      if (neighbour.queued + bytes.length > MOST_QUEUED) {
        lose(to);
        return;
      }
      neighbour.isReopened = false;
      neighbour.queue.push(bytes);
      neighbour.queued += bytes.length;
      void drain(to);
    },
    async stop() {
      ended.abort(new DOMException('Stopped.', 'AbortError'));
      for (const { channels } of neighbours.values()) for (const channel of channels) channel.close();
      await stopServing();
    },
  };
}
