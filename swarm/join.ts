import type { DeviceKey } from '../protocol/device-key.ts';
import type { Ledger } from '../protocol/ledger.ts';
import type { Network } from '../protocol/network-file.ts';
import { loadSignatureChecks } from '../protocol/signature-checks.ts';
import { accountOf, type Standing, UNKNOWN } from '../protocol/standing.ts';
import { Cohorts, type CohortsOptions } from './cohorts.ts';
import type { Requester } from './content/channel-places.ts';
import { type ContentService, startContent } from './content/service.ts';
import type { ContentStore } from './content/store.ts';
import { libp2pContentTransport } from './content/transport.ts';
import { DevicesOfPeers } from './device-of-peer.ts';
import { type Gossip, startGossip } from './gossip.ts';
import { IceServers } from './ice-servers.ts';
import { allTopicsOf, networkId } from './network-id.ts';
import { createSwarmNode, type SwarmNode, type TransportFactory } from './node.ts';
import { type Presence, type SelfDescription, startPresence } from './presence.ts';
import { type Scheduler, systemScheduler } from './scheduler.ts';
import { Standings } from './standings.ts';

export interface JoinSwarmOptions {
  readonly network: Pick<Network, 'chainId' | 'swarm' | 'relays' | 'iceServers' | 'local'> & {
    readonly contracts: Pick<Network['contracts'], 'participation'>;
  };
  readonly key: DeviceKey;
  readonly ledger: Ledger;
  /** Keeps content that is served and fetched. */
  readonly store: ContentStore;
  /** Called for every hello. */
  readonly describe: () => SelfDescription;
  /**
   * Whether the process takes part in one cohort of a large swarm, or listens to every cohort that a
   * neighbour follows, because it keeps or posts what all say. Defaults to one.
   */
  readonly listensTo?: 'own cohort' | 'every cohort';
  /** Members beyond which a cohort is halved, and below which it is none. Defaults to `COHORT_SIZE`. */
  readonly cohortSizes?: CohortsOptions['sizes'];
  /** Transports that only this host has, such as nodeTransports() of node-transports.ts. Defaults to none. */
  readonly transports?: readonly TransportFactory[];
  /** Multiaddrs to listen on besides, for those transports. Defaults to none. */
  readonly listen?: readonly string[];
}

/**
 * A process in the swarm of a network: it gossips, says hello and serves content. It takes part in no rounds
 * by itself.
 */
export interface SwarmConnection {
  readonly networkId: string;
  readonly scheduler: Scheduler;
  readonly node: SwarmNode;
  readonly gossip: Gossip;
  readonly presence: Presence;
  readonly content: ContentService;
  /** STUN and TURN servers of the network, with passwords of now. */
  readonly iceServers: () => Promise<RTCIceServer[]>;
  /** What the chain says of other devices. */
  readonly standings: Pick<Standings, 'now' | 'of'>;
  /** Leaves the swarm. Resolves when no connection is left. */
  leave(): Promise<void>;
}

/**
 * Joins the swarm that the network's settings name: starts a libp2p node, and the network's gossip, presence
 * and content on it. A page calls it on the main thread, because WebRTC exists only there. Rejects with
 * RelayAddressError for a relay address that cannot be used.
 */
export async function joinSwarm(options: JoinSwarmOptions): Promise<SwarmConnection> {
  const { network, key, ledger, store, describe, transports } = options;
  // Nothing waits for it: until then checks are slower.
  void loadSignatureChecks();
  const id = networkId(network.chainId, network.contracts.participation, network.swarm);
  const scheduler = systemScheduler;
  const round = () => ledger.clock.read().round;
  const standings = new Standings({
    read: (devices) => ledger.standingsOf(devices),
    scheduler,
    random: Math.random,
  });
  const cohorts =
    options.listensTo === 'every cohort'
      ? 'every'
      : new Cohorts({ networkId: id, publicKey: key.publicKey, scheduler, sizes: options.cohortSizes });
  const iceServers = new IceServers({ servers: network.iceServers });
  const devices = new DevicesOfPeers();
  const standingOf = (peerId: string): Standing => {
    const device = devices.of(peerId);
    return device === null ? UNKNOWN : standings.now(device);
  };
  const node = await createSwarmNode({
    privateKey: key.secret,
    relays: network.relays,
    topics: allTopicsOf(id),
    transports,
    listen: options.listen,
    iceServers: () => iceServers.current(),
    // A process on a public network dials no address of its own machine or network for a stranger.
    loopback: network.local,
    standingOf,
    isNear: (peerId) => cohorts !== 'every' && cohorts.isNear(peerId),
    relayForOthers: true,
  });
  try {
    const gossip = startGossip({
      pubsub: node.pubsub,
      networkId: id,
      key,
      scheduler,
      round,
      verifier: ledger,
      standings,
      isRelay: node.isRelay,
      cohorts,
    });
    const presence = startPresence({
      gossip,
      node,
      publicKey: key.publicKey,
      describe,
      round,
      scheduler,
      relays: true,
    });
    const transport = libp2pContentTransport(node.libp2p);
    const requesterOf = (peerId: string): Requester => ({
      hasRecord: node.hasRecord(peerId),
      account: accountOf(devices.of(peerId) ?? '0x', standingOf(peerId)),
    });
    const content = await startContent({ store, transport, scheduler, serve: { requesterOf } });
    return {
      networkId: id,
      scheduler,
      node,
      gossip,
      presence,
      content,
      iceServers: () => iceServers.current(),
      standings,
      async leave() {
        standings.stop();
        presence.stop();
        gossip.stop();
        await content.stop();
        await node.stop();
      },
    };
  } catch (error) {
    standings.stop();
    await node.stop();
    throw error;
  }
}
