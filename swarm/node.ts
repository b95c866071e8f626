import './rtc-fix.ts';
import { circuitRelayServer } from '@libp2p/circuit-relay-v2';
import { privateKeyFromRaw } from '@libp2p/crypto/keys';
import { identify, identifyPush } from '@libp2p/identify';
import { noise } from '@libp2p/noise';
import { peerIdFromString } from '@libp2p/peer-id';
import { ping } from '@libp2p/ping';
import { webRTC, webRTCDirect } from '@libp2p/webrtc';
import { webSockets } from '@libp2p/websockets';
import { yamux } from '@libp2p/yamux';
import { WebRTC } from '@multiformats/multiaddr-matcher';
import { createLibp2p, type Libp2p } from 'libp2p';
import type { Standing } from '../protocol/standing.ts';
import { BoundedMap } from './bounded-map.ts';
import { pubsubOver, swarmGossipsub } from './gossipsub.ts';
import { connectionManagerSettings, connectionMonitorSettings } from './libp2p-settings.ts';
import { LIMITS } from './messages/limits.ts';
import { tolerateHostlessAddresses } from './observed-addresses.ts';
import { isDirectConnection, Overlay } from './overlay.ts';
import type { NetworkView, PeerPath, PeerView } from './peers.ts';
import type { PubSub } from './pubsub.ts';
import { circuitThroughChosen } from './relay/chosen-relays.ts';
import type { PlaceLimits } from './relay/fair-places.ts';
import { InboundGate } from './relay/inbound-gate.ts';
import { groupRelays, RelayConnector, relayIn } from './relay-connector.ts';
import { deadline, every, type Scheduler, systemScheduler } from './scheduler.ts';

/** libp2p's type of a function that makes a transport. */
type TransportFactory = NonNullable<NonNullable<Parameters<typeof createLibp2p>[0]>['transports']>[number];

export type { TransportFactory };

export interface SwarmNodeOptions {
  /** 32 bytes of the device key, which becomes the libp2p identity. */
  readonly privateKey: Uint8Array;
  /** Multiaddrs of relays, each ending in /p2p/<peer id>. A relay may have several. */
  readonly relays: readonly string[];
  /** Gossip topics that this node may join. It carries no others. */
  readonly topics: readonly string[];
  /**
   * STUN and TURN servers for the next connection. Defaults to none, which reaches peers on the same machine
   * and network only.
   */
  readonly iceServers?: () => Promise<RTCIceServer[]>;
  /**
   * Whether the network is on this machine (`local` in the network file). Only then does the node dial
   * loopback addresses, and private ones of others. Defaults to false.
   */
  readonly loopback?: boolean;
  /** Whether others may use this node as a relay for their handshakes. Defaults to false. */
  readonly relayForOthers?: boolean;
  /** Transports that only this host has, such as nodeTransports() of node-transports.ts. Defaults to none. */
  readonly transports?: readonly TransportFactory[];
  /** Further listen addresses, such as /ip4/0.0.0.0/tcp/0 in Node. Defaults to none. */
  readonly listen?: readonly string[];
  /** Direct connections to hold. Defaults to 6. */
  readonly degree?: number;
  /** What the chain says of the device with a PeerId. Defaults to nothing. */
  readonly standingOf?: (peerId: string) => Standing;
  readonly scheduler?: Scheduler;
  /** 0 to 1. Defaults to Math.random. */
  readonly random?: () => number;
}

/** Connections that others open to one node. Its own dials and relays have the rest of libp2p's 64. */
const INBOUND_LIMITS: PlaceLimits = { places: 48, perPrefix: 12, reserve: 12, fewPerPrefix: 2 };
const HALF_OPEN_LIMITS: PlaceLimits = { places: 40, perPrefix: 10, reserve: 10, fewPerPrefix: 2 };

/** A running libp2p node of the swarm. */
export interface SwarmNode {
  readonly libp2p: Libp2p;
  readonly peerId: string;
  readonly pubsub: PubSub;
  /** At most eight addresses for the hello: through relays, and of own listeners. */
  addresses(): readonly string[];
  /**
   * Remembers where a peer listens, and whether it relays. The overlay dials the peer when it needs
   * neighbours. `source` is the neighbour that passed the peer's hello on.
   */
  learn(peerId: string, addresses: readonly string[], relays?: boolean, source?: string): void;
  isDirect(peerId: string): boolean;
  /** Whether the peer is one of the relays that the node was given. */
  isRelay(peerId: string): boolean;
  /** Whether a peer is more than a new key: the chain knows it, or this node dialled it with success. */
  hasRecord(peerId: string): boolean;
  /** Peers with a direct connection, without relays. */
  degree(): number;
  view(): NetworkView;
  /** Calls `listener` when peers, paths, latencies or relays have changed, at most every 100 ms. */
  watch(listener: (view: NetworkView) => void): () => void;
  stop(): Promise<void>;
}

/** On a network on one machine all peers share one prefix. */
function withoutPrefixes(limits: PlaceLimits): PlaceLimits {
  return { ...limits, perPrefix: limits.places, reserve: 0 };
}

/**
 * Starts a node and reserves places on the relays. It dials no peer before `learn`. Rejects with
 * RelayAddressError.
 */
export async function createSwarmNode(options: SwarmNodeOptions): Promise<SwarmNode> {
  const scheduler = options.scheduler ?? systemScheduler;
  const random = options.random ?? Math.random;
  const targets = groupRelays(options.relays);
  const services = {
    identify: identify(),
    identifyPush: identifyPush(),
    ping: ping(),
    pubsub: swarmGossipsub({ topics: options.topics }),
    ...(options.relayForOthers === true
      ? { relay: circuitRelayServer({ reservations: { maxReservations: 32 } }) }
      : {}),
  };
  /** The one neighbour without a record on which this node may reserve. */
  let otherRelay: string | null = null;
  const isChosenRelay = (peerId: string): boolean =>
    relayConnector.has(peerId) || overlay.hasRecord(peerId) || peerId === otherRelay;
  const mayReserve = (peerId: string): boolean => {
    if (!isChosenRelay(peerId) && overlay.isDirect(peerId)) {
      if (otherRelay === null || !overlay.isDirect(otherRelay)) otherRelay = peerId;
    }
    return isChosenRelay(peerId);
  };
  const inbound = new InboundGate({
    limits: options.loopback === true ? withoutPrefixes(INBOUND_LIMITS) : INBOUND_LIMITS,
    halfOpen: options.loopback === true ? withoutPrefixes(HALF_OPEN_LIMITS) : HALF_OPEN_LIMITS,
    connections: () => libp2p.getConnections(),
    // libp2p's own times of connections are by the system's clock.
    now: () => Date.now(),
    members: { hasRecord: (peerId) => overlay.hasRecord(peerId), random },
  });
  const libp2p = await createLibp2p({
    // Started below, because the connection gater asks the overlay.
    start: false,
    privateKey: privateKeyFromRaw(options.privateKey),
    // Not <relay>/p2p-circuit, which is not renewed after the relay restarts (js-libp2p issue 3601). Two
    // places, so that the node stays reachable when one relay goes.
    addresses: { listen: ['/p2p-circuit', '/p2p-circuit', '/webrtc', ...(options.listen ?? [])] },
    transports: [
      webSockets(),
      // Always given, because the library's default asks public STUN servers.
      webRTC({ rtcConfiguration: async () => ({ iceServers: (await options.iceServers?.()) ?? [] }) }),
      webRTCDirect({ rtcConfiguration: { iceServers: [] } }),
      circuitThroughChosen(mayReserve),
      ...(options.transports ?? []),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // Also what libp2p learns by itself, as from a peer's identify, is dialled only if the overlay would.
    connectionGater: {
      denyInboundConnection: inbound.denyInboundConnection,
      denyInboundEncryptedConnection: inbound.denyInboundEncryptedConnection,
      denyInboundUpgradedConnection: inbound.denyInboundUpgradedConnection,
      denyDialMultiaddr: (address) => !relayConnector.hasAddress(address) && !overlay.allows(address),
    },
    connectionManager: connectionManagerSettings,
    connectionMonitor: connectionMonitorSettings,
    services,
  });
  tolerateHostlessAddresses(libp2p);

  const latencies = new BoundedMap<string, number>(256);
  const relayingPeers = new BoundedMap<string, true>(64);
  const watchers = new Set<(view: NetworkView) => void>();
  let pendingView: (() => void) | null = null;
  let stopped = false;

  function changed(): void {
    if (stopped || pendingView !== null) return;
    pendingView = scheduler.after(100, () => {
      pendingView = null;
      const now = view();
      for (const watcher of watchers) watcher(now);
    });
  }

  const relayConnector = new RelayConnector(libp2p, targets, scheduler, changed);
  const overlay = new Overlay({
    libp2p,
    scheduler,
    random,
    degree: options.degree ?? 6,
    isRelay: (peerId) => relayConnector.has(peerId),
    rules: { tcp: (options.transports ?? []).length > 0, loopback: options.loopback ?? false },
    ...(options.standingOf === undefined ? {} : { standingOf: options.standingOf }),
  });
  await libp2p.start();

  function path(peerId: string): PeerPath {
    const connections = libp2p.getConnections(peerIdFromString(peerId));
    if (connections.some(isDirectConnection)) return 'direct';
    return connections.length > 0 ? 'relayed' : 'gossip';
  }

  function view(): NetworkView {
    const connected = libp2p.getPeers().map((peer) => peer.toString());
    const ids = [...new Set([...connected, ...overlay.known()])].filter(
      (peerId) => !relayConnector.has(peerId),
    );
    const peers: PeerView[] = ids.map((peerId) => ({
      peerId,
      path: path(peerId),
      latency: latencies.get(peerId) ?? null,
    }));
    return { peers, relays: relayConnector.views() };
  }

  const abort = new AbortController();
  async function measure(): Promise<void> {
    for (const connection of libp2p.getConnections().filter(isDirectConnection)) {
      const limit = deadline(scheduler, 5_000, abort.signal);
      try {
        const latency = await libp2p.services.ping.ping(connection.remotePeer, { signal: limit.signal });
        latencies.set(connection.remotePeer.toString(), latency);
        changed();
      } catch {
        // The peer is leaving. libp2p reports the end of its connection.
      } finally {
        limit.release();
      }
    }
  }

  for (const event of ['connection:open', 'connection:close', 'peer:connect', 'peer:disconnect'] as const) {
    libp2p.addEventListener(event, changed);
  }
  libp2p.addEventListener('connection:open', ({ detail }) => overlay.opened(detail));
  const stopMeasuring = every(scheduler, 10_000, () => void measure());
  relayConnector.start();
  overlay.start();

  return {
    libp2p,
    peerId: libp2p.peerId.toString(),
    pubsub: pubsubOver(libp2p.services.pubsub),
    addresses() {
      const own = libp2p.getMultiaddrs();
      const texts = own
        .filter((address) => {
          const relay = relayIn(address);
          // A stranger can have libp2p listen through it, by passing a dial on.
          return relay === null || (WebRTC.matches(address) && isChosenRelay(relay));
        })
        .map(String);
      // A neighbour that relays can carry a handshake to this node. libp2p does not list these addresses
      // itself.
      const through = [...relayingPeers.entries()]
        .map(([peerId]) => peerId)
        .filter((peerId) => overlay.isDirect(peerId))
        .map((peerId) => `/p2p/${peerId}/p2p-circuit/webrtc/p2p/${libp2p.peerId}`);
      return [...texts, ...through]
        .filter((text) => text.length <= LIMITS.address)
        .slice(0, LIMITS.addresses);
    },
    learn(peerId, addresses, relays, source) {
      // New keys may say so of themselves without end, but only neighbours carry handshakes to this node.
      if (relays === true && overlay.isDirect(peerId)) relayingPeers.set(peerId, true);
      else relayingPeers.delete(peerId);
      overlay.learn(peerId, addresses, source);
      changed();
    },
    isDirect: (peerId) => overlay.isDirect(peerId),
    isRelay: (peerId) => relayConnector.has(peerId),
    hasRecord: (peerId) => overlay.hasRecord(peerId),
    degree: () => overlay.degree(),
    view,
    watch(listener) {
      watchers.add(listener);
      return () => watchers.delete(listener);
    },
    async stop() {
      if (stopped) return;
      stopped = true;
      pendingView?.();
      watchers.clear();
      abort.abort();
      stopMeasuring();
      overlay.stop();
      relayConnector.stop();
      await libp2p.stop();
    },
  };
}
