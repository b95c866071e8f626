import './rtc-fix.ts';
import './relayed-candidates.ts';
import { privateKeyFromRaw } from '@libp2p/crypto/keys';
import { identify, identifyPush } from '@libp2p/identify';
import type { Connection, PeerId } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { ping } from '@libp2p/ping';
import { webRTC, webRTCDirect } from '@libp2p/webrtc';
import { webSockets } from '@libp2p/websockets';
import { yamux } from '@libp2p/yamux';
import { WebRTC } from '@multiformats/multiaddr-matcher';
import { createLibp2p, type Libp2p } from 'libp2p';
import type { Standing } from '../protocol/standing.ts';
import { BoundedMap } from './bounded-map.ts';
import { pubsubOver, reopenStream, swarmGossipsub } from './gossipsub.ts';
import { iceRouteOf } from './ice-route.ts';
import { iceServersOfHost } from './ice-servers.ts';
import { connectionManagerSettings, connectionMonitorSettings } from './libp2p-settings.ts';
import { LIMITS } from './messages/limits.ts';
import { tolerateHostlessAddresses } from './observed-addresses.ts';
import { isDirectConnection, Overlay } from './overlay.ts';
import { peerIdOf } from './peer-id-of.ts';
import type { IceRoute, NetworkView, PeerPath, PeerView } from './peers.ts';
import type { PubSub } from './pubsub.ts';
import { circuitThroughChosen } from './relay/chosen-relays.ts';
import type { PlaceLimits } from './relay/fair-places.ts';
import { InboundGate } from './relay/inbound-gate.ts';
import { MemberReservations, memberRelay } from './relay/member-relay.ts';
import { NEIGHBOUR_PLACES, NeighbourRelays } from './relay/neighbour-relays.ts';
import { groupRelays, RelayConnector, relayIn } from './relay-connector.ts';
import { RoundTrips } from './round-trips.ts';
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
  /** Whether a peer is of the own cohort, while that is a part of the swarm. Defaults to nobody. */
  readonly isNear?: (peerId: string) => boolean;
  readonly scheduler?: Scheduler;
  /** 0 to 1. Defaults to Math.random. */
  readonly random?: () => number;
}

/** Connections that others open to one node. Its own dials and relays have the rest of libp2p's 64. */
export const INBOUND_LIMITS: PlaceLimits = { places: 48, perPrefix: 12, reserve: 12, fewPerPrefix: 2 };
const HALF_OPEN_LIMITS: PlaceLimits = { places: 40, perPrefix: 10, reserve: 10, fewPerPrefix: 2 };

/** Reservations of a node: two on relays of the network, so that it stays reachable when one goes. */
const RELAY_PLACES = 2 + NEIGHBOUR_PLACES;
/** How often neighbours are asked for a reservation, in ms. */
const RESERVE_MS = 3_000;

/** How long after its opening the route of a connection is looked at first, in ms. */
const ROUTE_MS = 1_000;
/** How long after the end of a connection gossip's stream to its peer is looked at, in ms. */
const REOPEN_MS = 100;
/** Milliseconds that a neighbour has for its answer to a ping. */
const PING_MS = 5_000;

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
    ...(options.relayForOthers === true ? { relay: memberRelay() } : {}),
  };
  const neighbourRelays = new NeighbourRelays({
    isDirect: (peerId) => overlay.isDirect(peerId),
    hasRecord: (peerId) => overlay.hasRecord(peerId),
    hasReservation: (peerId) => circuit.hasReservation(peerId),
    now: () => scheduler.now(),
  });
  const circuit = circuitThroughChosen((peerId) => relayConnector.has(peerId) || neighbourRelays.has(peerId));
  const inbound = new InboundGate({
    limits: options.loopback === true ? withoutPrefixes(INBOUND_LIMITS) : INBOUND_LIMITS,
    halfOpen: options.loopback === true ? withoutPrefixes(HALF_OPEN_LIMITS) : HALF_OPEN_LIMITS,
    connections: () => libp2p.getConnections(),
    // libp2p's own times of connections are by the system's clock.
    now: () => Date.now(),
    members: { hasRecord: (peerId) => overlay.hasRecord(peerId), random },
  });
  const memberReservations = new MemberReservations({
    hasRecord: (peerId) => overlay.hasRecord(peerId),
    now: () => scheduler.now(),
  });
  const libp2p = await createLibp2p({
    // Started below, because the connection gater asks the overlay.
    start: false,
    privateKey: privateKeyFromRaw(options.privateKey),
    // Not <relay>/p2p-circuit, which is not renewed after the relay restarts (js-libp2p issue 3601).
    addresses: {
      listen: [...Array<string>(RELAY_PLACES).fill('/p2p-circuit'), '/webrtc', ...(options.listen ?? [])],
    },
    transports: [
      webSockets(),
      // Always given, because the library's default asks public STUN servers.
      webRTC({
        rtcConfiguration: async () => ({
          iceServers: iceServersOfHost((await options.iceServers?.()) ?? []),
        }),
      }),
      webRTCDirect({ rtcConfiguration: { iceServers: [] } }),
      circuit.transport,
      ...(options.transports ?? []),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // Also what libp2p learns by itself, as from a peer's identify, is dialled only if the overlay would.
    connectionGater: {
      denyInboundConnection: inbound.denyInboundConnection,
      denyInboundEncryptedConnection: inbound.denyInboundEncryptedConnection,
      denyInboundUpgradedConnection: inbound.denyInboundUpgradedConnection,
      denyInboundRelayReservation: (peer): boolean => !memberReservations.admit(libp2p, peer),
      denyDialMultiaddr: (address) => !relayConnector.hasAddress(address) && !overlay.allows(address),
    },
    connectionManager: connectionManagerSettings,
    connectionMonitor: connectionMonitorSettings,
    services,
  });
  tolerateHostlessAddresses(libp2p);

  const abort = new AbortController();
  const roundTrips = new RoundTrips(async ({ remotePeer }) => {
    const limit = deadline(scheduler, PING_MS, abort.signal);
    try {
      return await libp2p.services.ping.ping(remotePeer, { signal: limit.signal });
    } finally {
      limit.release();
    }
  });
  const routes = new BoundedMap<string, IceRoute>(256);
  /** Neighbours that carry handshakes for others, as they say. */
  const relayingPeers = new BoundedMap<string, true>(64);
  /** Peers that say so and are no neighbours yet. Keys are free, so the oldest are forgotten first. */
  const relayingOthers = new BoundedMap<string, true>(256);
  const watchers = new Set<(view: NetworkView) => void>();
  let pendingView: (() => void) | null = null;
  let stopped = false;

  function changed(): void {
    if (stopped || watchers.size === 0 || pendingView !== null) return;
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
    ...(options.isNear === undefined ? {} : { isNear: options.isNear }),
  });
  await libp2p.start();

  function path(peerId: string): PeerPath {
    const connections = libp2p.getConnections(peerIdOf(peerId));
    if (connections.some(isDirectConnection)) return 'direct';
    return connections.length > 0 ? 'relayed' : 'gossip';
  }

  function view(): NetworkView {
    const connected = libp2p.getPeers().map((peer) => peer.toString());
    const ids = [...new Set([...connected, ...overlay.known()])].filter(
      (peerId) => !relayConnector.has(peerId),
    );
    const peers: PeerView[] = ids.map((peerId) => {
      const now = path(peerId);
      return {
        peerId,
        path: now,
        route: now === 'direct' ? (routes.get(peerId) ?? null) : null,
        latency: roundTrips.of(peerId),
      };
    });
    return { peers, relays: relayConnector.views() };
  }

  /** ICE goes on to a better route after a connection is there, so the route is looked at again. */
  async function measureRoute(connection: Connection): Promise<void> {
    const route = await iceRouteOf(connection);
    const peerId = connection.remotePeer.toString();
    if (route === null || route === routes.get(peerId)) return;
    routes.set(peerId, route);
    changed();
  }

  async function measure(): Promise<void> {
    for (const connection of libp2p.getConnections().filter(isDirectConnection)) {
      await measureRoute(connection);
      if (await roundTrips.measure(connection)) changed();
    }
  }

  for (const event of ['connection:open', 'connection:close', 'peer:connect', 'peer:disconnect'] as const) {
    libp2p.addEventListener(event, changed);
  }
  libp2p.addEventListener('connection:open', ({ detail }) => {
    overlay.opened(detail);
    if (!isDirectConnection(detail)) return;
    scheduler.after(ROUTE_MS, () => void measureRoute(detail));
    const peerId = detail.remotePeer.toString();
    if (relayingOthers.get(peerId) !== true) return;
    relayingOthers.delete(peerId);
    relayingPeers.set(peerId, true);
  });
  /** Has gossip go on with a peer of whose connections one is left. */
  async function goOnWith(peer: PeerId): Promise<void> {
    const left = libp2p.getConnections(peer).find(isDirectConnection);
    if (left === undefined) return;
    const { protocols } = await libp2p.peerStore.get(peer);
    if (libp2p.services.pubsub.protocols.some((protocol) => protocols.includes(protocol)))
      reopenStream(libp2p.services.pubsub, left);
  }
  libp2p.addEventListener('connection:close', ({ detail: { remotePeer } }) => {
    // Its streams end after it.
    scheduler.after(REOPEN_MS, () => {
      // A peer that is not in the store any more is gone.
      if (!stopped) goOnWith(remotePeer).catch(() => undefined);
    });
  });
  libp2p.addEventListener('peer:disconnect', ({ detail: peer }) => memberReservations.end(libp2p, peer));
  const relayingNeighbours = (): readonly string[] =>
    [...relayingPeers.entries()].map(([peerId]) => peerId).filter((peerId) => overlay.isDirect(peerId));
  const stopReserving = every(scheduler, RESERVE_MS, () => {
    for (const peerId of neighbourRelays.choose(relayingNeighbours())) void circuit.reserve(peerId);
  });
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
          return relay === null || (WebRTC.matches(address) && relayConnector.has(relay));
        })
        .map(String)
        .filter((text) => text.length <= LIMITS.address);
      // A neighbour with a reservation of this node carries handshakes to it. libp2p does not list these
      // addresses itself.
      const through = relayingNeighbours()
        .filter((peerId) => neighbourRelays.has(peerId) && circuit.hasReservation(peerId))
        .map((peerId) => `/p2p/${peerId}/p2p-circuit/webrtc/p2p/${libp2p.peerId}`);
      return [...texts.slice(0, LIMITS.addresses - through.length), ...through];
    },
    learn(peerId, addresses, relays, source) {
      // New keys may say so of themselves without end, but only neighbours carry handshakes to this node.
      relayingPeers.delete(peerId);
      relayingOthers.delete(peerId);
      if (relays === true) (overlay.isDirect(peerId) ? relayingPeers : relayingOthers).set(peerId, true);
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
      stopReserving();
      overlay.stop();
      relayConnector.stop();
      await libp2p.stop();
    },
  };
}
