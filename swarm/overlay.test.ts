import type { Connection } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { describe, expect, it } from 'vitest';
import { deviceKey } from '../protocol/device-key.ts';
import { Overlay } from './overlay.ts';
import { SimulatedScheduler } from './testing/simulated-scheduler.ts';

const PEERS = Array.from({ length: 12 }, (_, i) => deviceKey(new Uint8Array(32).fill(i + 1)).peerId).sort();
const idAt = (index: number): string => PEERS[index] ?? '';
const ADDRESS = '/ip4/127.0.0.1/tcp/1';

/** An overlay over connections in memory: every dial succeeds at once. */
class DialWorld {
  readonly scheduler = new SimulatedScheduler();
  readonly dialled: string[] = [];
  readonly overlay: Overlay;
  readonly #open = new Set<Connection>();

  constructor(self: string, degree = 6) {
    this.overlay = new Overlay({
      libp2p: {
        peerId: peerIdFromString(self),
        getConnections: (peer) =>
          [...this.#open].filter(({ remotePeer }) => peer === undefined || peer.equals(remotePeer)),
        dial: async (target) => {
          const [address] = [target].flat();
          const id = String(address).split('/p2p/')[1] ?? '';
          this.dialled.push(id);
          return this.connect(id);
        },
      },
      scheduler: this.scheduler,
      random: () => 0,
      degree,
      isRelay: () => false,
    });
    this.overlay.start();
  }

  /** Opens a direct connection to a peer, as if either side had dialled. */
  connect(id: string): Connection {
    const connection = {
      remotePeer: peerIdFromString(id),
      direct: true,
      limits: undefined,
      timeline: { open: this.scheduler.now() },
      close: async () => {
        this.#open.delete(connection);
      },
    } as Partial<Connection> as Connection;
    this.#open.add(connection);
    return connection;
  }

  /** When the open connections to a peer were opened. */
  opened(id: string): readonly number[] {
    return [...this.#open]
      .filter(({ remotePeer }) => remotePeer.toString() === id)
      .map(({ timeline }) => timeline.open);
  }
}

describe('Overlay', () => {
  it('[P-11] dials until it has 6 direct connections', async () => {
    const world = new DialWorld(idAt(0));
    for (const id of PEERS.slice(1)) world.overlay.learn(id, [ADDRESS]);
    await world.scheduler.advance(20_000);
    expect(world.overlay.degree()).toBe(6);
    expect(world.dialled).toHaveLength(6);
  });

  it('[P-12] dials at once with the smaller PeerId, and after 8 s with the greater', async () => {
    const [smaller, greater] = [new DialWorld(idAt(0)), new DialWorld(idAt(1))];
    smaller.overlay.learn(idAt(1), [ADDRESS]);
    greater.overlay.learn(idAt(0), [ADDRESS]);
    await smaller.scheduler.advance(1_000);
    expect(smaller.dialled).toEqual([idAt(1)]);
    await greater.scheduler.advance(7_900);
    expect(greater.dialled).toEqual([]);
    await greater.scheduler.advance(1_100);
    expect(greater.dialled).toEqual([idAt(0)]);
  });

  it('[P-12] does not dial a peer that has connected within the 8 s', async () => {
    const world = new DialWorld(idAt(1));
    world.overlay.learn(idAt(0), [ADDRESS]);
    world.connect(idAt(0));
    await world.scheduler.advance(20_000);
    expect(world.dialled).toEqual([]);
  });

  it('[P-13] closes the newer of two connections with the smaller PeerId, and neither with the greater', async () => {
    for (const [self, peer, left] of [
      [idAt(0), idAt(1), [0]],
      [idAt(1), idAt(0), [0, 100]],
    ] as const) {
      const world = new DialWorld(self);
      world.connect(peer);
      await world.scheduler.advance(100);
      world.connect(peer);
      await world.scheduler.advance(10_000);
      expect(world.opened(peer)).toEqual(left);
    }
  });
});
