import '../node20.ts';
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { privateKeyFromRaw } from '@libp2p/crypto/keys';
import type { Connection, MultiaddrConnection } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { peerIdFromString } from '@libp2p/peer-id';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { deviceKey } from '../../protocol/device-key.ts';
import { createSwarmNode } from '../node.ts';
import { nodeTransports } from '../node-transports.ts';
import { InboundGate } from './inbound-gate.ts';
import { HALF_OPEN_LIMITS, startRelay } from './relay.ts';

const started: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of started.splice(0).reverse()) await stop();
});

/** A peer that dials from an address of its own on this machine. */
async function startPeer(localAddress: string, secret = randomBytes(32)) {
  // The transport hands its options on to net.connect, which binds the local address.
  const dialOpts = { localAddress, noDelay: true };
  const peer = await createLibp2p({
    privateKey: privateKeyFromRaw(secret),
    transports: [tcp({ dialOpts })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
  });
  started.push(() => peer.stop());
  return peer;
}

/** Opens connections that never begin a handshake. Resolves with those that the other side left open. */
async function openSilent(port: number, count: number, localAddress: string): Promise<readonly Socket[]> {
  const open = new Set<Socket>();
  for (let n = 0; n < count; n++) {
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    socket.on('error', () => undefined);
    socket.on('close', () => open.delete(socket));
    started.push(() => socket.destroy());
    open.add(socket);
  }
  let before = -1;
  await vi.waitFor(
    () => {
      const last = before;
      before = open.size;
      expect(open.size).toBe(last);
    },
    { timeout: 60_000, interval: 500 },
  );
  return [...open];
}

const portIn = (address: string): number => Number(/\/tcp\/(\d+)/.exec(address)?.[1]);

describe('InboundGate', () => {
  it('[P-135] keeps places of a relay from a host that opens 300 connections and says nothing', async () => {
    const relay = await startRelay({
      privateKey: randomBytes(32),
      networks: ['gate-test:1'],
      ports: { ws: null },
    });
    started.push(() => relay.stop());
    const address = relay.addresses[0] ?? '';
    const open = await openSilent(portIn(address), 300, '127.0.9.1');
    expect(open).toHaveLength(HALF_OPEN_LIMITS.perPrefix);
    const honest = await startPeer('127.0.8.1');
    expect((await honest.dial(multiaddr(address))).status).toBe('open');
    // A handshake that is given up gives its place back.
    const [first] = open;
    first?.destroy();
    const late = await startPeer('127.0.9.2');
    await vi.waitFor(async () => expect((await late.dial(multiaddr(address))).status).toBe('open'), {
      timeout: 10_000,
    });
  });

  it('[P-135] leaves a newcomer and a known peer places of a member that strangers of one prefix fill', async () => {
    const known = randomBytes(32);
    const member = await createSwarmNode({
      privateKey: randomBytes(32),
      relays: [],
      topics: [],
      transports: nodeTransports(),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      degree: 0,
      standingOf: (peerId) => ({ kind: peerId === deviceKey(known).peerId ? 'known' : 'unknown' }),
    });
    started.push(() => member.stop());
    const address = member.libp2p.getMultiaddrs().find((each) => each.toString().includes('/tcp/'));
    if (address === undefined) throw new Error('The member listens.');
    const connected = (): number => member.libp2p.getConnections().length;
    for (let n = 0; n < 15; n++) {
      const stranger = await startPeer('127.0.9.1');
      await stranger.dial(address).catch(() => undefined);
    }
    await vi.waitFor(() => expect(connected()).toBe(12), { timeout: 10_000 });
    const newcomer = await startPeer('127.0.8.1');
    await newcomer.dial(address);
    const knownPeer = await startPeer('127.0.9.3', known);
    await knownPeer.dial(address);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(connected()).toBe(14);
    for (const peer of [newcomer, knownPeer]) expect(peer.getConnections()[0]?.status).toBe('open');
  });
});

/** A gate over connections in memory. */
class GateWorld {
  now = 0;
  readonly open: Connection[] = [];
  readonly gate: InboundGate;
  #next = 0;

  constructor(known: readonly string[] = []) {
    this.gate = new InboundGate({
      limits: { places: 12, perPrefix: 4, reserve: 4, fewPerPrefix: 1 },
      halfOpen: { places: 8, perPrefix: 4, reserve: 0, fewPerPrefix: 4 },
      connections: () => this.open,
      now: () => this.now,
      members: { hasRecord: (peerId) => known.includes(peerId), random: () => 0 },
    });
  }

  newPeer(): string {
    const secret = new Uint8Array(32).fill(1);
    new DataView(secret.buffer).setUint16(0, ++this.#next);
    return deviceKey(secret).peerId;
  }

  /** Whether the gate takes a connection. It ends by `end`, and until then its handshake is under way. */
  begin(address: string): { readonly taken: boolean; end(peerId: string): boolean } {
    const target = new EventTarget();
    const connection = Object.assign(target, { remoteAddr: multiaddr(address) }) as MultiaddrConnection;
    const taken = !this.gate.denyInboundConnection(connection);
    return {
      taken,
      end: (peerId) => {
        const remotePeer = peerIdFromString(peerId);
        if (this.gate.denyInboundEncryptedConnection(remotePeer, connection)) return false;
        this.gate.denyInboundUpgradedConnection(remotePeer, connection);
        const opened = {
          remotePeer,
          remoteAddr: multiaddr(address),
          direction: 'inbound',
          timeline: { open: this.now },
          abort: () => {
            this.open.splice(this.open.indexOf(opened), 1);
          },
        } as Partial<Connection> as Connection;
        this.open.push(opened);
        return true;
      },
    };
  }

  connect(address: string, peerId = this.newPeer()): boolean {
    const begun = this.begin(address);
    return begun.taken && begun.end(peerId);
  }
}

const through = (peerId: string): string => `/ip4/192.0.2.1/tcp/1/p2p/${peerId}/p2p-circuit/p2p/${peerId}`;

describe('InboundGate of a member', () => {
  it('[P-135] gives those that come through relays the places before the reserve', () => {
    const world = new GateWorld();
    for (let n = 0; n < 8; n++) expect(world.connect(`/webrtc/p2p/${world.newPeer()}`)).toBe(true);
    expect(world.connect(`/webrtc/p2p/${world.newPeer()}`)).toBe(false);
    expect(world.connect('/ip4/203.0.113.1/tcp/1')).toBe(true);
  });

  it('[P-135] lets a newcomer in after 30 s, in place of a stranger and never of a peer with a record', () => {
    const known = new GateWorld().newPeer();
    const world = new GateWorld([known]);
    expect(world.connect('/webrtc', world.newPeer())).toBe(true);
    for (let n = 0; n < 7; n++) expect(world.connect('/webrtc')).toBe(true);
    world.now = 29_000;
    expect(world.connect('/webrtc')).toBe(false);
    world.now = 30_000;
    expect(world.connect('/webrtc')).toBe(true);
    // One replacement a second.
    expect(world.connect('/webrtc')).toBe(false);
    world.now = 31_000;
    expect(world.connect('/webrtc')).toBe(true);
    expect(world.open).toHaveLength(8);
    expect(world.open.some(({ remotePeer }) => remotePeer.toString() === known)).toBe(true);
  });

  it('[P-135] takes 4 connections of one peer, and 2 handshakes of one that comes through a relay', () => {
    const world = new GateWorld();
    const peerId = world.newPeer();
    expect(world.begin(through(peerId)).taken).toBe(true);
    expect(world.begin(through(peerId)).taken).toBe(true);
    expect(world.begin(through(peerId)).taken).toBe(false);
    expect(world.begin(through(world.newPeer())).taken).toBe(true);
    // libp2p gives a handshake up after 30 s, also where it says nothing.
    world.now = 35_000;
    expect(world.begin(through(peerId)).taken).toBe(true);
    const many = new GateWorld();
    const prefixes = ['192.0.2', '198.51.100', '203.0.113', '203.0.114', '203.0.115'];
    const taken = prefixes.map((prefix) => many.connect(`/ip4/${prefix}.1/tcp/1`, peerId));
    expect(taken).toEqual([true, true, true, true, false]);
  });
});
