import '../swarm/node20.ts';
import type { DeviceKey } from '../protocol/device-key.ts';
import type { Ledger } from '../protocol/ledger.ts';
import type { Network } from '../protocol/network-file.ts';
import type { ContentService } from '../swarm/content/service.ts';
import { startContent } from '../swarm/content/service.ts';
import type { ContentStore } from '../swarm/content/store.ts';
import { libp2pContentTransport } from '../swarm/content/transport.ts';
import { type Gossip, startGossip } from '../swarm/gossip.ts';
import { createSwarmNode, type SwarmNode } from '../swarm/node.ts';
import { nodeTransports } from '../swarm/node-transports.ts';
import { type Presence, type SelfDescription, startPresence } from '../swarm/presence.ts';
import { runName, runTopics } from '../swarm/run.ts';
import { type Scheduler, systemScheduler } from '../swarm/scheduler.ts';

/** A Node process in the swarm of a run, with or without a trainer. */
export interface Membership {
  readonly run: string;
  readonly scheduler: Scheduler;
  readonly node: SwarmNode;
  readonly gossip: Gossip;
  readonly presence: Presence;
  readonly content: ContentService;
  leave(): Promise<void>;
}

export interface JoinOptions {
  readonly network: Network;
  readonly key: DeviceKey;
  readonly ledger: Ledger;
  /** Where content that is served and fetched is kept. */
  readonly store: ContentStore;
  readonly describe: () => SelfDescription;
}

/** Joins the run's gossip, says hello, and serves content. */
export async function joinSwarm(options: JoinOptions): Promise<Membership> {
  const { network, key, ledger, store, describe } = options;
  const run = runName(network.chainId, network.contracts.participation);
  const scheduler = systemScheduler;
  const round = () => ledger.clock.read().round;
  const node = await createSwarmNode({
    privateKey: key.secret,
    relays: network.relays,
    topics: Object.values(runTopics(run)),
    transports: nodeTransports(),
    loopback: true,
  });
  try {
    const gossip = startGossip({
      pubsub: node.pubsub,
      run,
      key,
      scheduler,
      round,
      claims: ledger,
    });
    const presence = startPresence({
      gossip,
      node,
      publicKey: key.publicKey,
      describe,
      round,
      scheduler,
      relays: false,
    });
    const content = await startContent({
      store,
      transport: libp2pContentTransport(node.libp2p),
      scheduler,
    });
    return {
      run,
      scheduler,
      node,
      gossip,
      presence,
      content,
      async leave() {
        presence.stop();
        gossip.stop();
        await content.stop();
        await node.stop();
      },
    };
  } catch (error) {
    await node.stop();
    throw error;
  }
}
