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
import { pubsubOver, swarmGossipsub } from '../gossipsub.ts';
import { connectionManagerSettings, connectionMonitorSettings } from '../libp2p-settings.ts';
import { RejectCounts } from '../messages/reject-reason.ts';
import { Validator } from '../messages/validator.ts';
import { parseTopic, topicsOf } from '../network-id.ts';
import { type Scheduler, systemScheduler } from '../scheduler.ts';

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
  /**
   * Ids of the networks to pass messages on for. Defaults to those that connected peers follow, at most 16.
   */
  readonly networks?: readonly string[];
  readonly scheduler?: Scheduler;
}

export interface Relay {
  readonly peerId: string;
  /** Full multiaddrs, each ending in /p2p/<peer id>. */
  readonly addresses: readonly string[];
  /** Messages that were not passed on, by reason. */
  readonly rejected: RejectCounts;
  connections(): number;
  stop(): Promise<void>;
}

const MAX_NETWORKS = 16;

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
    ...(ports.ws === null ? [] : [`/${family}/${host}/tcp/${ports.ws}/ws`]),
    ...(ports.tcp === null ? [] : [`/${family}/${host}/tcp/${ports.tcp}`]),
    ...(ports.webrtcDirect === null ? [] : [`/${family}/${host}/udp/${ports.webrtcDirect}/webrtc-direct`]),
  ];
  const topics = options.networks?.flatMap((network) => Object.values(topicsOf(network))) ?? null;
  const libp2p = await createLibp2p({
    privateKey: privateKeyFromRaw(options.privateKey),
    addresses: {
      listen,
      ...(options.announce === undefined ? {} : { appendAnnounce: [...options.announce] }),
    },
    transports: [webSockets(), tcp(), webRTCDirect({ rtcConfiguration: { iceServers: [] } })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: {
      ...connectionManagerSettings,
      maxConnections: 1000,
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
        reservations: { maxReservations: 512, defaultDurationLimit: 120_000, defaultDataLimit: 131_072n },
      }),
      pubsub: swarmGossipsub({ topics, exchangePeers: true }),
    },
  });

  const pubsub = pubsubOver(libp2p.services.pubsub);
  const rejected = new RejectCounts();
  const validators = new Map<string, Validator>();
  const leave = new Map<string, () => void>();

  function follow(topic: string): void {
    const parsed = parseTopic(topic);
    if (parsed === null || leave.has(topic)) return;
    const { networkId, name } = parsed;
    let validator = validators.get(networkId);
    if (validator === undefined) {
      if (validators.size >= MAX_NETWORKS) return;
      validator = new Validator({ networkId, now: () => scheduler.now() });
      validators.set(networkId, validator);
    }
    const checker = validator;
    const off = pubsub.join(topic, async (bytes, source) => {
      const verdict = await checker.check(bytes, name, source);
      if (verdict.kind === 'accepted') return 'accept';
      rejected.add(verdict.reason);
      return verdict.penalise ? 'reject' : 'ignore';
    });
    leave.set(topic, off);
  }

  if (topics === null) {
    libp2p.services.pubsub.addEventListener('subscription-change', ({ detail }) => {
      for (const { topic, subscribe } of detail.subscriptions) if (subscribe) follow(topic);
    });
  } else {
    for (const topic of topics) follow(topic);
  }

  return {
    peerId: libp2p.peerId.toString(),
    addresses: libp2p.getMultiaddrs().map(String),
    rejected,
    connections: () => libp2p.getConnections().length,
    async stop() {
      for (const off of leave.values()) off();
      await libp2p.stop();
    },
  };
}
