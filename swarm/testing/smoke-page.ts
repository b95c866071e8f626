/** The page of the browser test: one swarm node in a tab, driven through `window.swarmTest`. */

import { UNTESTED } from '../../protocol/conformance-report.ts';
import { deviceKey } from '../../protocol/device-key.ts';
import type { Hex } from '../../protocol/hex.ts';
import { type Gossip, startGossip } from '../gossip.ts';
import { topicsOf } from '../network-id.ts';
import { createSwarmNode, type SwarmNode } from '../node.ts';
import type { NetworkView } from '../peers.ts';
import { startPresence } from '../presence.ts';
import { systemScheduler } from '../scheduler.ts';

export interface SwarmTest {
  start(relays: readonly string[], networkId: string): Promise<string>;
  view(): NetworkView;
  /** Publishes a commit with this digest. Resolves once it is handed to the network. */
  commit(round: number, digest: Hex): Promise<void>;
  /** Digests of the commits received. */
  received(): readonly Hex[];
  isDirect(peerId: string): boolean;
  addresses(): readonly string[];
  /** Closes every connection to a peer. */
  drop(peerId: string): Promise<void>;
}

let node: SwarmNode | null = null;
let gossip: Gossip | null = null;
const digests: Hex[] = [];

function started<T>(value: T | null): T {
  if (value === null) throw new Error('Call start first.');
  return value;
}

const api: SwarmTest = {
  async start(relays, networkId) {
    const key = deviceKey(crypto.getRandomValues(new Uint8Array(32)));
    node = await createSwarmNode({
      privateKey: key.secret,
      relays,
      topics: Object.values(topicsOf(networkId)),
      loopback: true,
      relayForOthers: true,
      // Of those without a record a tab reserves on one at most, and these tabs have only each other.
      standingOf: () => ({ kind: 'known' }),
    });
    gossip = startGossip({ pubsub: node.pubsub, networkId, key, scheduler: systemScheduler, round: () => 1 });
    gossip.onMessage((message) => {
      if (message.type === 'commit') digests.push(message.body.digest);
    });
    startPresence({
      gossip,
      node,
      publicKey: key.publicKey,
      describe: () => ({
        delegation: null,
        engine: 'none',
        conformance: UNTESTED,
      }),
      round: () => 1,
      scheduler: systemScheduler,
      relays: true,
    });
    return node.peerId;
  },
  view: () => started(node).view(),
  async commit(round, digest) {
    await started(gossip).publish({ type: 'commit', round, body: { digest } });
  },
  received: () => digests,
  isDirect: (peerId) => started(node).isDirect(peerId),
  addresses: () => started(node).addresses(),
  async drop(peerId) {
    const { libp2p } = started(node);
    const connections = libp2p.getConnections().filter(({ remotePeer }) => remotePeer.toString() === peerId);
    await Promise.all(connections.map((connection) => connection.close()));
  },
};

Object.assign(window, { swarmTest: api });
