import { describe, expect, it } from 'vitest';
import type { DeviceAddress } from '../../protocol/hex.ts';
import type { Channel, ContentTransport } from '../content/transport.ts';
import { MemoryNetwork } from '../testing/memory-transport.ts';
import { SimulatedScheduler } from '../testing/simulated-scheduler.ts';
import { type Links, openLinks } from './links.ts';

const near: DeviceAddress = `0x${'1'.repeat(40)}`;
const far: DeviceAddress = `0x${'2'.repeat(40)}`;

/** Two devices, each known to the other by its address as a peer id. */
class World {
  readonly scheduler = new SimulatedScheduler();
  readonly network = new MemoryNetwork();
  /** What arrived at a device, as text. */
  readonly arrived: string[] = [];
  /** Devices that were taken for gone. */
  readonly gone: DeviceAddress[] = [];
  readonly channels: Channel[] = [];

  async join(device: DeviceAddress): Promise<Links> {
    return openLinks({
      transport: this.#watched(this.network.transport(device)),
      scheduler: this.scheduler,
      peerOf: (other) => other,
      deviceOf: (peerId) => (peerId === near ? near : far),
      onMessage: (from, bytes) => this.arrived.push(`${from.slice(0, 3)} ${new TextDecoder().decode(bytes)}`),
      onGone: (other) => this.gone.push(other),
    });
  }

  #watched(transport: ContentTransport): ContentTransport {
    return {
      ...transport,
      open: async (peerId, signal) => {
        const channel = await transport.open(peerId, signal);
        this.channels.push(channel);
        return channel;
      },
    };
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await this.scheduler.advance(1);
  }
}

const text = (message: string): Uint8Array => new TextEncoder().encode(message);

describe('links between members of a pipeline', () => {
  it('carry messages of both sides over one channel', async () => {
    const world = new World();
    const [one, other] = [await world.join(near), await world.join(far)];
    one.send(far, text('a'));
    await world.settle();
    other.send(near, text('b'));
    await world.settle();
    expect(world.arrived).toEqual(['0x1 a', '0x2 b']);
    expect(world.channels).toHaveLength(1);
  });

  it('[P-156] open another channel where one ends, and take nobody for gone', async () => {
    const world = new World();
    const [one] = [await world.join(near), await world.join(far)];
    one.send(far, text('a'));
    await world.settle();
    world.channels[0]?.close();
    await world.settle();
    one.send(far, text('b'));
    await world.settle();
    expect(world.arrived).toEqual(['0x1 a', '0x1 b']);
    expect(world.gone).toEqual([]);
  });

  it('send a message again that a channel does not take', async () => {
    const world = new World();
    const [one] = [await world.join(near), await world.join(far)];
    one.send(far, text('a'));
    await world.settle();
    const [channel] = world.channels;
    if (channel === undefined) throw new Error('No channel was opened.');
    Object.assign(channel, { write: () => Promise.reject(new Error('This channel is closing.')) });
    one.send(far, text('b'));
    one.send(far, text('c'));
    await world.settle();
    expect(world.arrived).toEqual(['0x1 a', '0x1 b', '0x1 c']);
    expect(world.gone).toEqual([]);
  });

  it('take a device for gone that cannot be reached any more, and tell once', async () => {
    const world = new World();
    const [one, other] = [await world.join(near), await world.join(far)];
    one.send(far, text('a'));
    await world.settle();
    await other.stop();
    await world.settle();
    expect(world.gone).toEqual([far]);
  });

  it('take a device for gone that closes each channel at once, and do not open one after another', async () => {
    const world = new World();
    const one = await world.join(near);
    await world.network.transport(far).serve(async (channel) => channel.close());
    one.send(far, text('a'));
    for (let turn = 0; turn < 20; turn++) await world.settle();
    expect(world.gone).toEqual([far]);
    expect(world.channels.length).toBeLessThan(4);
  });

  it('take a device for gone that takes nothing for a minute, and do not try another channel', async () => {
    const world = new World();
    const [one] = [await world.join(near), await world.join(far)];
    one.send(far, text('a'));
    await world.settle();
    const [channel] = world.channels;
    if (channel === undefined) throw new Error('No channel was opened.');
    const never = (_: Uint8Array, signal: AbortSignal) =>
      new Promise<void>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    Object.assign(channel, { write: never });
    one.send(far, text('b'));
    await world.scheduler.advance(59_000);
    expect(world.gone).toEqual([]);
    await world.scheduler.advance(2_000);
    expect(world.gone).toEqual([far]);
    expect(world.arrived).toEqual(['0x1 a']);
  });
});
