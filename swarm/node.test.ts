import { UNTESTED } from '../protocol/conformance-report.ts';
import './node20.ts';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import type { CircuitRelayService } from '@libp2p/circuit-relay-v2';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { equalBytes } from '../protocol/bytes.ts';
import { deviceKey } from '../protocol/device-key.ts';
import type { Hex } from '../protocol/hex.ts';
import { startContent } from './content/service.ts';
import { MemoryStore } from './content/store.ts';
import { libp2pContentTransport } from './content/transport.ts';
import { startGossip } from './gossip.ts';
import type { Message } from './messages/envelope.ts';
import { topicsOf } from './network-id.ts';
import { createSwarmNode, type SwarmNode } from './node.ts';
import { nodeTransports } from './node-transports.ts';
import { startPresence } from './presence.ts';
import { type Relay, startRelay } from './relay/relay.ts';
import { RelayAddressError } from './relay-connector.ts';
import { systemScheduler } from './scheduler.ts';

const networkId = 'node-test:1';
const hash = (byte: number): Hex => `0x${byte.toString(16).padStart(2, '0').repeat(32)}`;

async function startPeer(
  relays: readonly string[],
  listen: readonly string[] = [],
  iceServers: () => Promise<RTCIceServer[]> = async () => [],
) {
  const key = deviceKey(randomBytes(32));
  const node = await createSwarmNode({
    privateKey: key.secret,
    relays,
    topics: Object.values(topicsOf(networkId)),
    loopback: true,
    transports: nodeTransports(),
    listen,
    iceServers,
    relayForOthers: true,
  });
  const gossip = startGossip({
    pubsub: node.pubsub,
    networkId,
    key,
    scheduler: systemScheduler,
    round: () => 1,
  });
  const received: Message[] = [];
  gossip.onMessage((message) => received.push(message));
  const presence = startPresence({
    gossip,
    node,
    publicKey: key.publicKey,
    describe: () => ({ delegation: null, engine: 'none', conformance: UNTESTED }),
    round: () => 1,
    scheduler: systemScheduler,
    relays: true,
  });
  const content = await startContent({
    store: new MemoryStore(),
    transport: libp2pContentTransport(node.libp2p),
    scheduler: systemScheduler,
  });
  const commits = () =>
    received.flatMap((message) => (message.type === 'commit' ? [message.body.digest] : []));
  return {
    key,
    node,
    gossip,
    presence,
    content,
    commits,
    async stop() {
      presence.stop();
      gossip.stop();
      await content.stop();
      await node.stop();
    },
  };
}

/** The peers that reserved on a node which relays. */
function reservationsOf({ libp2p }: SwarmNode): readonly string[] {
  const { services } = libp2p as unknown as {
    readonly services: { readonly relay: CircuitRelayService };
  };
  return [...services.relay.reservations.keys()].map(String);
}

type Peer = Awaited<ReturnType<typeof startPeer>>;

describe('three peers and a relay', () => {
  let relay: Relay;
  let peers: readonly [Peer, Peer, Peer];

  beforeAll(async () => {
    relay = await startRelay({ privateKey: randomBytes(32), networks: [networkId] });
    // Two behind the relay, as tabs are, and one that anyone can dial.
    peers = await Promise.all([
      startPeer(relay.addresses),
      startPeer(relay.addresses),
      startPeer(relay.addresses, ['/ip4/127.0.0.1/tcp/0']),
    ]);
  });

  afterAll(async () => {
    await Promise.all(peers?.map((peer) => peer.stop()) ?? []);
    await relay?.stop();
  });

  const eventually = (check: () => void) => vi.waitFor(check, { timeout: 60_000, interval: 100 });

  it('connect directly, over TCP and over WebRTC', async () => {
    await eventually(() => {
      for (const { node } of peers) expect(node.degree()).toBe(2);
    });
    const views = peers[0].node.view();
    expect(views.peers.map(({ path }) => path)).toEqual(['direct', 'direct']);
    expect(views.relays.map(({ state }) => state)).toEqual(['connected']);
  });

  it('[P-10] speak Noise and yamux to the relay, and identify, ping and gossipsub', () => {
    const { libp2p } = peers[0].node;
    for (const protocol of ['/ipfs/id/1.0.0', '/ipfs/ping/1.0.0', '/meshsub/1.1.0']) {
      expect(libp2p.getProtocols()).toContain(protocol);
    }
    const toRelay = libp2p
      .getConnections()
      .filter(({ remotePeer }) => remotePeer.toString() === relay.peerId);
    expect(toRelay.length).toBeGreaterThan(0);
    for (const { encryption, multiplexer } of toRelay) {
      expect([encryption, multiplexer]).toEqual(['/noise', '/yamux/1.0.0']);
    }
  });

  it('[P-14] announce the way through a neighbour that relays for them', async () => {
    const [a, ...others] = peers;
    const through = (peerId: string) => `/p2p/${peerId}/p2p-circuit/webrtc/p2p/${a.node.peerId}`;
    const announced = () => others.filter(({ node }) => a.node.addresses().includes(through(node.peerId)));
    await eventually(() => expect(announced().length).toBeGreaterThan(0));
    for (const { node } of announced()) {
      expect(reservationsOf(node)).toContain(a.node.peerId);
      a.node.learn(node.peerId, node.addresses(), false);
    }
    expect(announced()).toEqual([]);
  });

  it('receive one another’s messages', async () => {
    const [a, b, c] = peers;
    await eventually(() => {
      for (const { presence } of peers) expect(presence.members()).toHaveLength(2);
    });
    await a.gossip.publish({ type: 'commit', round: 1, body: { digest: hash(1) } });
    await b.gossip.publish({ type: 'commit', round: 1, body: { digest: hash(2) } });
    await eventually(() => {
      expect(b.commits()).toEqual([hash(1)]);
      expect(a.commits()).toEqual([hash(2)]);
      expect(c.commits().toSorted()).toEqual([hash(1), hash(2)]);
    });
  });

  it('fetch content by CID over libp2p streams', async () => {
    const [a, b, c] = peers;
    const file = new Uint8Array(randomBytes(1_500_000));
    const cid = await a.content.publishFile(file);
    expect(equalBytes(await b.content.fetchFile(cid, [a.node.peerId]), file)).toBe(true);
    expect(equalBytes(await c.content.fetchFile(cid, [a.node.peerId, b.node.peerId]), file)).toBe(true);
    const object = await c.content.publishObject(file.subarray(0, 100));
    expect(equalBytes(await a.content.fetchObject(object, [c.node.peerId]), file.subarray(0, 100))).toBe(
      true,
    );
  });

  it('[P-51] [P-61] reject a flood and an oversized message, and say why', async () => {
    const [a, b, c] = peers;
    const before = b.gossip.rejected.get('over-quota') + c.gossip.rejected.get('over-quota');
    for (let i = 0; i < 60; i++) await a.presence.announce();
    await eventually(() => {
      const after = b.gossip.rejected.get('over-quota') + c.gossip.rejected.get('over-quota');
      expect(after).toBeGreaterThan(before);
    });
    await a.node.pubsub.publish(topicsOf(networkId).rounds, new Uint8Array(70_000));
    await eventually(() => {
      const seen = [b.gossip, c.gossip, relay].map(({ rejected }) => rejected.get('oversized'));
      expect(seen.some((count) => count > 0)).toBe(true);
    });
  });

  it('go on when the relay is gone', async () => {
    const [, b, c] = peers;
    await relay.stop();
    await eventually(() => {
      for (const { node } of peers)
        expect(node.view().relays.every(({ state }) => state !== 'connected')).toBe(true);
    });
    await c.gossip.publish({ type: 'commit', round: 1, body: { digest: hash(3) } });
    await eventually(() => expect(b.commits()).toContain(hash(3)));
  });
});

describe('strangers that say they relay', () => {
  it('[P-136] get one reservation together, and leave the other place to relays of the network', async () => {
    const privateKey = randomBytes(32);
    const first = await startRelay({ privateKey, networks: [networkId], ports: { ws: null } });
    await first.stop();
    // The strangers come while the relay is away.
    const member = await startPeer(first.addresses, ['/ip4/127.0.0.1/tcp/0']);
    const strangers = await Promise.all(
      [1, 2, 3].map(() =>
        createSwarmNode({
          privateKey: randomBytes(32),
          relays: [],
          topics: [],
          loopback: true,
          transports: nodeTransports(),
          relayForOthers: true,
          degree: 0,
        }),
      ),
    );
    let relay: Relay | undefined;
    try {
      const own = member.node.libp2p.getMultiaddrs().filter((each) => !`${each}`.includes('p2p-circuit'));
      for (const { libp2p } of strangers) await libp2p.dial(own);
      for (const { peerId } of strangers) member.node.learn(peerId, [], true);
      const relaying = async ({ libp2p }: (typeof strangers)[number]): Promise<boolean> => {
        const { protocols } = await member.node.libp2p.peerStore.get(libp2p.peerId);
        return protocols.includes('/libp2p/circuit/relay/0.2.0/hop');
      };
      await vi.waitFor(
        async () => expect(await Promise.all(strangers.map(relaying))).toEqual([true, true, true]),
        { timeout: 60_000 },
      );
      const reserved = (): number => strangers.flatMap((one) => reservationsOf(one)).length;
      await vi.waitFor(() => expect(reserved()).toBeGreaterThan(0), { timeout: 60_000 });
      await new Promise((resolve) => setTimeout(resolve, 7_000));
      expect(reserved()).toBe(1);
      const port = Number(/\/tcp\/(\d+)/.exec(first.addresses[0] ?? '')?.[1]);
      const again = await startRelay({ privateKey, networks: [networkId], ports: { ws: null, tcp: port } });
      relay = again;
      await vi.waitFor(() => expect(again.reservations()).toBe(1), { timeout: 60_000, interval: 100 });
      await vi.waitFor(
        () => expect(member.node.addresses().some((text) => text.includes(again.peerId))).toBe(true),
        { timeout: 60_000 },
      );
    } finally {
      await Promise.all(strangers.map((one) => one.stop()));
      await member.stop();
      await relay?.stop();
    }
  });
});

describe('createSwarmNode', () => {
  it('names what a relay address lacks', async () => {
    const options = { privateKey: randomBytes(32), topics: [] };
    await expect(createSwarmNode({ ...options, relays: ['/ip4/127.0.0.1/tcp/1/ws'] })).rejects.toThrow(
      RelayAddressError,
    );
    await expect(createSwarmNode({ ...options, relays: ['localhost:1'] })).rejects.toThrow(
      'is not a multiaddr',
    );
  });
});

describe('a peer with a STUN server', () => {
  it('[P-180] asks the server that it was given for its address when it connects', async () => {
    const questions: Buffer[] = [];
    const stun = createSocket('udp4', (message) => questions.push(message));
    await new Promise<void>((resolve) => stun.bind(0, '127.0.0.1', resolve));
    const relay = await startRelay({ privateKey: randomBytes(32), networks: [networkId] });
    const servers = async () => [{ urls: [`stun:127.0.0.1:${stun.address().port}`] }];
    const peers = await Promise.all([
      startPeer(relay.addresses, [], servers),
      startPeer(relay.addresses, [], servers),
    ]);
    try {
      // A binding request, by RFC 8489: its type and the magic cookie.
      await vi.waitFor(() => expect(questions.length).toBeGreaterThan(0), { timeout: 60_000, interval: 50 });
      expect(questions[0]?.subarray(0, 2).toString('hex')).toBe('0001');
      expect(questions[0]?.subarray(4, 8).toString('hex')).toBe('2112a442');
    } finally {
      await Promise.all(peers.map((peer) => peer.stop()));
      await relay.stop();
      stun.close();
    }
  });
});
