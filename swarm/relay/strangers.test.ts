import '../node20.ts';
import { randomBytes } from 'node:crypto';
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2';
import { privateKeyFromRaw } from '@libp2p/crypto/keys';
import type { GossipSub } from '@libp2p/gossipsub';
import { identify } from '@libp2p/identify';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { UNTESTED } from '../../protocol/conformance-report.ts';
import { deviceKey, peerIdBytesOf } from '../../protocol/device-key.ts';
import { swarmGossipsub } from '../gossipsub.ts';
import { encodeMessage } from '../messages/envelope.ts';
import { topicsOf } from '../network-id.ts';
import { createSwarmNode } from '../node.ts';
import { nodeTransports } from '../node-transports.ts';
import { CONNECTION_LIMITS, startRelay } from './relay.ts';
import { RESERVATION_LIMITS } from './reservations.ts';

const NETWORK = 'relay-test:1';
const TOPICS = topicsOf(NETWORK);
const ALL_TOPICS = Object.values(TOPICS);
const MADE_UP = Array.from({ length: 16 }, (_, index) => `/starling/2/junk-${index}/presence`);

const started: { stop(): unknown }[] = [];
afterEach(async () => {
  for (const one of started.splice(0).reverse()) await one.stop();
});

function stoppedLater<T extends { stop(): unknown }>(one: T): T {
  started.push(one);
  return one;
}

async function start(options: Partial<Parameters<typeof startRelay>[0]> = {}) {
  const relay = await startRelay({
    privateKey: randomBytes(32),
    networks: [NETWORK],
    ports: { ws: null },
    ...options,
  });
  return { relay: stoppedLater(relay), address: relay.addresses[0] ?? '' };
}

/** A libp2p node with a fresh key and none of this project's limits. */
async function startStranger(topics: readonly string[], listen: readonly string[] = []) {
  return stoppedLater(
    await createLibp2p({
      privateKey: privateKeyFromRaw(randomBytes(32)),
      addresses: { listen: [...listen] },
      transports: [tcp(), circuitRelayTransport({ reservationCompletionTimeout: 10_000 })],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionGater: { denyDialMultiaddr: () => false },
      services: { identify: identify(), pubsub: swarmGossipsub({ topics }) },
    }),
  );
}

/** A peer of the network, and what it has heard. */
async function startPeer(relays: readonly string[], degree?: number) {
  const node = await createSwarmNode({
    privateKey: randomBytes(32),
    relays,
    topics: ALL_TOPICS,
    transports: nodeTransports(),
    loopback: true,
    ...(degree === undefined ? {} : { degree }),
  });
  const heard: Uint8Array[] = [];
  for (const topic of ALL_TOPICS) {
    node.pubsub.join(topic, async (bytes) => {
      heard.push(bytes);
      return 'accept';
    });
  }
  return { node: stoppedLater(node), heard };
}

function subscribersAt(node: { readonly services: unknown }, topic: string): number {
  return (node.services as { readonly pubsub: GossipSub }).pubsub.getSubscribers(topic).length;
}

function helloOf(secret: Uint8Array): Uint8Array {
  const key = deviceKey(secret);
  const body = {
    peerId: peerIdBytesOf(key.publicKey),
    delegation: null,
    engine: '',
    conformance: UNTESTED,
    addresses: [],
    relays: false,
  };
  return encodeMessage(key, NETWORK, { type: 'hello', round: 1, seq: 1, body });
}

const eventually = (check: () => void) => vi.waitFor(check, { timeout: 60_000, interval: 50 });

describe('a relay among strangers', () => {
  it('[P-15] names 1 to 16 networks', async () => {
    for (const count of [0, 17]) {
      const networks = Array.from({ length: count }, (_, index) => `net:${index}`);
      await expect(startRelay({ privateKey: randomBytes(32), networks })).rejects.toThrow(RangeError);
    }
  });

  it('[P-15] passes on its network after a stranger subscribed to 16 made-up topics and left', async () => {
    const { relay, address } = await start();
    const stranger = await startStranger(MADE_UP);
    await stranger.dial(multiaddr(address));
    for (const topic of MADE_UP) stranger.services.pubsub.subscribe(topic);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    for (const topic of MADE_UP) expect(subscribersAt(stranger, topic)).toBe(0);
    await stranger.stop();
    const a = await startPeer(relay.addresses, 0);
    const b = await startPeer(relay.addresses, 0);
    await eventually(() => {
      for (const { node } of [a, b]) expect(subscribersAt(node.libp2p, TOPICS.presence)).toBe(1);
    });
    const hello = helloOf(randomBytes(32));
    await vi.waitFor(
      async () => {
        await a.node.pubsub.publish(TOPICS.presence, hello);
        expect(b.heard.length).toBeGreaterThan(0);
      },
      { timeout: 60_000, interval: 200 },
    );
  });

  it('[P-23] closes the connection of a peer that sends 2,000 malformed messages', async () => {
    const { relay, address } = await start();
    const stranger = await startStranger(ALL_TOPICS);
    await stranger.dial(multiaddr(address));
    stranger.services.pubsub.subscribe(TOPICS.presence);
    await eventually(() => expect(subscribersAt(stranger, TOPICS.presence)).toBe(1));
    const judged = () => relay.rejected.get('malformed');
    await vi.waitFor(
      async () => {
        await stranger.services.pubsub.publish(TOPICS.presence, randomBytes(200));
        expect(judged()).toBeGreaterThan(0);
      },
      { timeout: 60_000, interval: 50 },
    );
    for (let n = 1; n < 2000; n++) {
      await stranger.services.pubsub.publish(TOPICS.presence, randomBytes(200)).catch(() => undefined);
      if (n % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(judged()).toBeLessThan(20);
    expect(relay.connections()).toBe(0);
    // The relay remembers the key: after it dials again, the first message more ends the connection.
    await stranger.dial(multiaddr(address));
    await eventually(() => expect(subscribersAt(stranger, TOPICS.presence)).toBe(1));
    await vi.waitFor(
      async () => {
        await stranger.services.pubsub.publish(TOPICS.presence, randomBytes(200)).catch(() => undefined);
        expect(relay.connections()).toBe(0);
      },
      { timeout: 60_000, interval: 200 },
    );
    expect(judged()).toBeLessThan(20);
  });

  it('[P-16] gives the places of strangers that left to a newcomer, which can then be reached', async () => {
    expect(RESERVATION_LIMITS).toMatchObject({ places: 512, ttlMs: 900_000 });
    const { relay, address } = await start({
      reservations: { places: 4, perPrefix: 4, reserve: 0, fewPerPrefix: 4 },
    });
    for (let n = 0; n < 4; n++) {
      const stranger = await startStranger([], [`${address}/p2p-circuit`]);
      await eventually(() => expect(relay.reservations()).toBe(1));
      await stranger.stop();
      await eventually(() => expect(relay.reservations()).toBe(0));
    }
    const { node } = await startPeer(relay.addresses);
    await eventually(() => expect(node.addresses().length).toBeGreaterThan(0));
    const other = await startStranger([]);
    const through = multiaddr(`${address}/p2p-circuit/p2p/${node.peerId}`);
    expect((await other.dial(through)).remotePeer.toString()).toBe(node.peerId);
  });

  it('[P-17] leaves places that strangers of one address cannot take', async () => {
    expect(RESERVATION_LIMITS).toMatchObject({ perPrefix: 128, reserve: 128, perMinute: 256 });
    const { relay, address } = await start({ reservations: { places: 4, perPrefix: 2, reserve: 1 } });
    for (let n = 0; n < 2; n++) await startStranger([], [`${address}/p2p-circuit`]);
    await eventually(() => expect(relay.reservations()).toBe(2));
    await expect(startStranger([], [`${address}/p2p-circuit`])).rejects.toThrow();
    expect(relay.reservations()).toBe(2);
  });

  it('[P-17] accepts no more reservations of one address a minute than it may make', async () => {
    const { relay, address } = await start({ reservations: { perMinute: 2 } });
    for (let n = 0; n < 2; n++) await (await startStranger([], [`${address}/p2p-circuit`])).stop();
    await expect(startStranger([], [`${address}/p2p-circuit`])).rejects.toThrow();
    await eventually(() => expect(relay.reservations()).toBe(0));
  });

  it('[P-17] leaves connections that strangers of one address cannot take', async () => {
    expect(CONNECTION_LIMITS).toMatchObject({ places: 1000, perPrefix: 250, reserve: 250 });
    const { relay, address } = await start({ connections: { places: 4, perPrefix: 2, reserve: 0 } });
    for (let n = 0; n < 2; n++) await (await startStranger([])).dial(multiaddr(address));
    await expect((await startStranger([])).dial(multiaddr(address))).rejects.toThrow();
    expect(relay.connections()).toBe(2);
  });
});
