import {
  type GossipSub,
  type GossipSubComponents,
  gossipsub,
  StrictNoSign,
  TopicValidatorResult,
} from '@libp2p/gossipsub';
import type { Connection, PeerId } from '@libp2p/interface';
import { sha256 } from '@noble/hashes/sha2.js';
import { LIMITS } from './messages/limits.ts';
import type { Disposition, MessageCheck, PubSub } from './pubsub.ts';

const results: Readonly<Record<Disposition, TopicValidatorResult>> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  penalise: TopicValidatorResult.Ignore,
  blame: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
};

/** Scoring by topic. After five rejected messages in a row a neighbour is ignored. */
const topicScore = {
  topicWeight: 1,
  timeInMeshWeight: 0.01,
  timeInMeshQuantum: 1000,
  timeInMeshCap: 100,
  firstMessageDeliveriesWeight: 0.5,
  firstMessageDeliveriesDecay: 0.9,
  firstMessageDeliveriesCap: 20,
  // Absent and slow peers are welcome, so a neighbour loses nothing for messages that it does not deliver.
  meshMessageDeliveriesWeight: 0,
  meshMessageDeliveriesDecay: 0.5,
  meshMessageDeliveriesCap: 10,
  meshMessageDeliveriesThreshold: 1,
  meshMessageDeliveriesWindow: 10,
  meshMessageDeliveriesActivation: 5000,
  meshFailurePenaltyWeight: 0,
  meshFailurePenaltyDecay: 0.5,
  invalidMessageDeliveriesWeight: -20,
  invalidMessageDeliveriesDecay: 0.97,
};

/** A neighbour with a lower score is cut off: nothing that it sends is read. */
export const GRAYLIST_SCORE = -160;

/** What one frame of gossip may hold. The decoder drops a frame that holds more. */
const decodeRpcLimits = {
  // A relay follows the cohorts of its neighbours: 2,046 of each of 16 networks, of which few are in use.
  maxSubscriptions: 8192,
  maxControlMessages: 64,
  // The replies to an IWANT come batched. The frame's bytes bound them as well.
  maxMessages: 5000,
  maxIhaveMessageIDs: 5000,
  maxIwantMessageIDs: 5000,
  maxIdontwantMessageIDs: 512,
  maxPeerInfos: 16,
};

/**
 * gossipsub 1.1 with the settings of this swarm. Messages carry their author's signature, so libp2p's own
 * signing is off. A message is verified once by its check, and a duplicate costs one hash, because the id is
 * the hash of the bytes. Scoring by IP address is off: peers behind one relay or NAT share an address, and
 * with scoring the 12th tab was cut off.
 */
export function swarmGossipsub(options: {
  /** Topics to score and to allow. Subscriptions to others and messages on them are dropped. */
  readonly topics: readonly string[];
  /** Whether to send other peers along when pruning. For relays. Defaults to false. */
  readonly exchangePeers?: boolean;
}): (components: GossipSubComponents) => GossipSub {
  const { topics } = options;
  return gossipsub({
    globalSignaturePolicy: StrictNoSign,
    msgIdFn: (message) => sha256(message.data),
    emitSelf: false,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    fallbackToFloodsub: false,
    floodPublish: false,
    doPX: options.exchangePeers ?? false,
    D: 4,
    Dlo: 3,
    Dhi: 8,
    Dout: 1,
    Dscore: 2,
    // Far above one message, because replies to IWANT come batched and an oversized frame ends gossip with
    // the neighbour.
    maxInboundDataLength: 16 * LIMITS.message,
    allowedTopics: [...topics],
    decodeRpcLimits,
    scoreParams: {
      IPColocationFactorWeight: 0,
      behaviourPenaltyWeight: -10,
      behaviourPenaltyThreshold: 6,
      behaviourPenaltyDecay: 0.98,
      decayInterval: 1000,
      decayToZero: 0.01,
      topics: Object.fromEntries(topics.map((topic) => [topic, topicScore])),
    },
    scoreThresholds: { gossipThreshold: -40, publishThreshold: -80, graylistThreshold: GRAYLIST_SCORE },
  });
}

/** The part of gossipsub's service that its interface leaves out: the streams to its neighbours. */
interface Streaming {
  readonly streamsOutbound: ReadonlyMap<string, unknown>;
  onPeerConnected(peerId: PeerId, connection: Connection): void;
}

/**
 * Has gossipsub open its stream to a neighbour where it has none. gossipsub opens one on a neighbour's first
 * connection. When that ends while another one is there, it would send nothing any more: so it was with tabs
 * that were loaded again, whose first connection ended seconds after their second had begun.
 */
export function reopenStream(service: GossipSub, connection: Connection): void {
  const { remotePeer } = connection;
  const streaming = service as unknown as Streaming;
  if (!streaming.streamsOutbound.has(remotePeer.toString()))
    streaming.onPeerConnected(remotePeer, connection);
}

/** The part of gossipsub's service that its interface leaves out: the score of each neighbour. */
interface Scored {
  readonly score: { addPenalty(peerId: string, count: number, label: string): void };
}

/** Faults that a message costs its neighbour. An honest device that lost its memory may be blamed twice. */
const FAULTS = { penalise: 1, blame: 3 } as const;

/**
 * Counts faults of a neighbour's behaviour. Beyond six the score falls by ten times the square of the excess,
 * so that the tenth ends gossip with it. A fault is forgotten at 2 % a second.
 */
function count(service: GossipSub, source: string, fault: keyof typeof FAULTS): void {
  (service as GossipSub & Scored).score.addPenalty(source, FAULTS[fault], 'ignored_messages');
}

/** A PubSub over a started gossipsub service. */
export function pubsubOver(service: GossipSub): PubSub {
  return {
    async publish(topic, data) {
      await service.publish(topic, data);
    },
    join(topic, check: MessageCheck) {
      service.topicValidators.set(topic, async (source, message) => {
        const disposition = await check(message.data, source.toString());
        if (disposition === 'penalise' || disposition === 'blame')
          count(service, source.toString(), disposition);
        return results[disposition];
      });
      service.subscribe(topic);
      return () => {
        service.topicValidators.delete(topic);
        // A stopped service has no subscriptions, and throws.
        if (service.getTopics().includes(topic)) service.unsubscribe(topic);
      };
    },
    blame: (source) => count(service, source, 'blame'),
    isFollowed: (topic) => service.getSubscribers(topic).length > 0,
  };
}
