import '../node20.ts';
import '../rtc-fix.ts';
import { circuitRelayServer } from '@libp2p/circuit-relay-v2';
import { privateKeyFromRaw } from '@libp2p/crypto/keys';
import { identify, identifyPush } from '@libp2p/identify';
import { noise } from '@libp2p/noise';
import { ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import { webRTCDirect } from '@libp2p/webrtc';
import { webSockets } from '@libp2p/websockets';
import { yamux } from '@libp2p/yamux';
import { createLibp2p } from 'libp2p';
import { CohortSubscriptions } from '../cohort-subscriptions.ts';
import { pubsubOver, swarmGossipsub } from '../gossipsub.ts';
import { connectionManagerSettings, connectionMonitorSettings } from '../libp2p-settings.ts';
import { Admission } from '../messages/admission.ts';
import { TOPIC_NAMES } from '../messages/message-types.ts';
import { RejectCounts } from '../messages/reject-reason.ts';
import { dispositionOf, Validator } from '../messages/validator.ts';
import { allTopicsOf } from '../network-id.ts';
import { peerIdOf } from '../peer-id-of.ts';
import { type Scheduler, systemScheduler } from '../scheduler.ts';
import { type Quota, TokenBuckets } from '../token-bucket.ts';
import { addressPrefix, type PlaceLimits } from './fair-places.ts';
import { InboundGate } from './inbound-gate.ts';
import { endReservation, RESERVATION_LIMITS, type ReservationLimits, Reservations } from './reservations.ts';

export interface RelayOptions {
  /** 32 secret bytes, kept by the caller so that the relay's address stays the same over restarts. */
  readonly privateKey: Uint8Array;
  /** Address to listen on. Defaults to 127.0.0.1. Use 0.0.0.0 for a relay of many machines. */
  readonly host?: string;
  /**
   * 0 picks a free port, and null leaves the transport out. Defaults to free ports for WebSocket and TCP, and
   * to no WebRTC Direct. Browsers reach WebRTC Direct without a domain or a certificate, but node-datachannel
   * 0.33.4 crashes the process in about half of all stops while connections are open.
   */
  readonly ports?: {
    readonly ws?: number | null;
    readonly tcp?: number | null;
    readonly webrtcDirect?: number | null;
  };
  /** Multiaddrs under which the outside reaches this relay, such as /dns4/relay.example/tcp/443/wss. */
  readonly announce?: readonly string[];
  /** Certificate and key in PEM. WebSocket connections are then of TLS, and of nothing else. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  /** Ids of the 1 to 16 networks to pass messages on for. Topics of others are never followed. */
  readonly networks: readonly string[];
  /** Defaults to `RESERVATION_LIMITS`. Behind a proxy all peers share a prefix: set perPrefix to places. */
  readonly reservations?: Partial<ReservationLimits>;
  /** Defaults to `CONNECTION_LIMITS`. The same holds behind a proxy. */
  readonly connections?: Partial<PlaceLimits>;
  /** Defaults to `HALF_OPEN_LIMITS`. The same holds behind a proxy. */
  readonly halfOpen?: Partial<PlaceLimits>;
  readonly scheduler?: Scheduler;
}

export interface Relay {
  readonly peerId: string;
  /** Full multiaddrs, each ending in /p2p/<peer id>. */
  readonly addresses: readonly string[];
  /** Messages that were not passed on, by reason. */
  readonly rejected: RejectCounts;
  connections(): number;
  /** Peers that others can reach through this relay. */
  reservations(): number;
  stop(): Promise<void>;
}

const MAX_NETWORKS = 16;

/** Messages that no honest peer sends, from one neighbour, before its connections are closed. */
const PENALTIES: Quota = { perSecond: 0.1, burst: 8 };

/** 1,000 connections, of which one prefix holds a quarter. The last quarter is for prefixes with few. */
export const CONNECTION_LIMITS: PlaceLimits = {
  places: 1000,
  perPrefix: 250,
  reserve: 250,
  fewPerPrefix: 8,
};

/** Connections whose handshake is not over: 96, of which one prefix holds a quarter. */
export const HALF_OPEN_LIMITS: PlaceLimits = { places: 96, perPrefix: 24, reserve: 24, fewPerPrefix: 4 };

/**
 * Starts a circuit relay v2 server for the handshakes of tabs. The relay also takes part in gossip, with the
 * same checks as every peer, so that a peer whose network blocks UDP still gets every message. Rejects when a
 * port is taken.
 */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const scheduler = options.scheduler ?? systemScheduler;
  const host = options.host ?? '127.0.0.1';
  const ports = { ws: 0, tcp: 0, webrtcDirect: null, ...options.ports };
  const family = host.includes(':') ? 'ip6' : 'ip4';
  const listen = [
    ...(ports.ws === null
      ? []
      : [`/${family}/${host}/tcp/${ports.ws}/${options.certificate === undefined ? 'ws' : 'tls/ws'}`]),
    ...(ports.tcp === null ? [] : [`/${family}/${host}/tcp/${ports.tcp}`]),
    ...(ports.webrtcDirect === null ? [] : [`/${family}/${host}/udp/${ports.webrtcDirect}/webrtc-direct`]),
  ];
  const networks = [...new Set(options.networks)];
  if (networks.length === 0 || networks.length > MAX_NETWORKS) {
    throw new RangeError(`A relay names 1 to ${MAX_NETWORKS} networks, not ${networks.length}.`);
  }
  const topics = networks.flatMap(allTopicsOf);
  const reservations = new Reservations({ ...RESERVATION_LIMITS, ...options.reservations }, () =>
    scheduler.now(),
  );
  const connectionLimits = { ...CONNECTION_LIMITS, ...options.connections };
  const inbound = new InboundGate({
    limits: connectionLimits,
    halfOpen: { ...HALF_OPEN_LIMITS, ...options.halfOpen },
    connections: () => libp2p.getConnections(),
    now: () => Date.now(),
  });
  const libp2p = await createLibp2p({
    // Started below, because the connection gater asks for the node's connections.
    start: false,
    privateKey: privateKeyFromRaw(options.privateKey),
    addresses: {
      listen,
      ...(options.announce === undefined ? {} : { appendAnnounce: [...options.announce] }),
    },
    transports: [
      webSockets(options.certificate === undefined ? {} : { https: { ...options.certificate } }),
      tcp(),
      webRTCDirect({ rtcConfiguration: { iceServers: [] } }),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: {
      denyInboundConnection: inbound.denyInboundConnection,
      denyInboundUpgradedConnection: inbound.denyInboundUpgradedConnection,
      denyInboundRelayReservation: (peer): boolean => {
        const address = libp2p.getConnections(peer)[0]?.remoteAddr;
        return (
          address === undefined || !reservations.admit(libp2p.services.relay.reservations, peer, address)
        );
      },
    },
    connectionManager: {
      ...connectionManagerSettings,
      maxConnections: connectionLimits.places,
      inboundConnectionThreshold: 100,
      maxIncomingPendingConnections: 100,
    },
    connectionMonitor: connectionMonitorSettings,
    services: {
      identify: identify(),
      identifyPush: identifyPush(),
      ping: ping(),
      // A relayed connection carries a handshake, not data: 2 minutes and 128 KiB.
      relay: circuitRelayServer({
        hopTimeout: 30_000,
        maxInboundHopStreams: 512,
        maxOutboundHopStreams: 512,
        maxOutboundStopStreams: 512,
        reservations: {
          maxReservations: reservations.limits.places,
          reservationTtl: reservations.limits.ttlMs,
          defaultDurationLimit: 120_000,
          defaultDataLimit: 131_072n,
        },
      }),
      pubsub: swarmGossipsub({ topics, exchangePeers: true }),
    },
  });

  await libp2p.start();

  const pubsub = pubsubOver(libp2p.services.pubsub);
  const rejected = new RejectCounts();
  // gossipsub looks at standings once a second only, in which a stranger gets hundreds of messages judged.
  const patience = new TokenBuckets(PENALTIES, () => scheduler.now());

  function cutOff(source: string): void {
    for (const connection of libp2p.getConnections(peerIdOf(source))) {
      connection.abort(
        new Error(`The peer sent more than ${PENALTIES.burst} messages that no honest peer sends.`),
      );
    }
  }

  // Nobody is known to a relay by the chain, so unknown authors take turns by address and then by neighbour.
  const admission = new Admission({
    scheduler,
    groupOf: (source) => {
      const address = libp2p.getConnections(peerIdOf(source))[0]?.remoteAddr;
      return address === undefined ? source : addressPrefix(address);
    },
  });
  const subscriptions = networks.map((networkId) => {
    const validator = new Validator({ networkId, scheduler, admission });
    return new CohortSubscriptions({
      pubsub,
      networkId,
      cohorts: 'every',
      names: TOPIC_NAMES,
      scheduler,
      async check(bytes, place, source) {
        const verdict = await validator.check(bytes, place, source);
        if (verdict.kind === 'rejected') {
          rejected.add(verdict.reason);
          if (verdict.penalise && patience.take(source) !== 'taken') cutOff(source);
        }
        return dispositionOf(verdict);
      },
    });
  });
  libp2p.addEventListener('peer:disconnect', ({ detail: peer }) =>
    endReservation(libp2p.services.relay.reservations, peer),
  );

  return {
    peerId: libp2p.peerId.toString(),
    addresses: libp2p.getMultiaddrs().map(String),
    rejected,
    connections: () => libp2p.getConnections().length,
    reservations: () => libp2p.services.relay.reservations.size,
    async stop() {
      for (const each of subscriptions) each.stop();
      admission.stop();
      await libp2p.stop();
    },
  };
}
