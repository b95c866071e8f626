import { type DeviceKey, peerIdOf } from '../protocol/device-key.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import { CohortSubscriptions } from './cohort-subscriptions.ts';
import type { Cohorts } from './cohorts.ts';
import { AUTHOR_RANKS } from './messages/admission.ts';
import type { StandingSource } from './messages/authors.ts';
import { decodeMessage, encodeMessage, type Message, type UnsignedMessage } from './messages/envelope.ts';
import {
  type Body,
  MESSAGE_TYPES,
  type MessageType,
  TOPIC_NAMES,
  type TopicName,
} from './messages/message-types.ts';
import { RejectCounts, type RejectReason } from './messages/reject-reason.ts';
import {
  dispositionOf,
  type Origin,
  type Place,
  type SignatureVerifier,
  Validator,
  type ValidatorOptions,
} from './messages/validator.ts';
import { cohortTopic, topicsOf } from './network-id.ts';
import type { Disposition, PubSub } from './pubsub.ts';
import type { Scheduler } from './scheduler.ts';

/** A message to publish. Gossip adds the sequence number and the signature. */
export type OutgoingMessage = {
  [T in MessageType]: { readonly type: T; readonly round: number; readonly body: Body<T> };
}[MessageType];

/** How far a message goes. Defaults to the own cohort, which is the whole network while that is small. */
export type Reach = 'cohort' | 'network';

export interface RejectedMessage {
  readonly reason: RejectReason;
  readonly detail: string;
}

/**
 * The messages of one network: signs outgoing ones, checks incoming ones, and hands accepted ones to
 * listeners.
 */
export interface Gossip {
  readonly networkId: string;
  readonly rejected: RejectCounts;
  /**
   * Signs and sends to the own cohort, or to the whole network. Resolves once the message is handed to the
   * network. Rejects with CodecError over a limit.
   */
  publish(message: OutgoingMessage, reach?: Reach): Promise<Message>;
  /** The part of the swarm that this device takes part in. Undefined where the whole swarm always is one. */
  readonly cohorts: Cohorts | undefined;
  /**
   * Calls `listener` for every accepted message of others, in the order in which they were accepted. Returns
   * how to stop that.
   */
  onMessage(listener: (message: Message, origin: Origin) => void): () => void;
  onRejected(listener: (rejected: RejectedMessage) => void): () => void;
  /** Counts a message that is rejected after its arrival, such as a reveal without its commit. */
  reject(reason: RejectReason, detail: string): void;
  /**
   * Counts a fault that only the author of an accepted message can have made. It costs the author standing
   * where the message came from itself, and nobody else.
   */
  blame(message: Message, origin: Origin): void;
  /** Whether a valid hello of the device was accepted. */
  isBound(device: DeviceAddress): boolean;
  stop(): void;
}

/** A message that waits for the listeners. */
interface Accepted {
  readonly message: Message;
  readonly origin: Origin;
}

export interface GossipOptions {
  readonly pubsub: PubSub;
  readonly networkId: string;
  readonly key: DeviceKey;
  readonly scheduler: Scheduler;
  /** Current round by chain time. */
  readonly round: () => number;
  readonly verifier?: SignatureVerifier;
  /** What the chain says of authors. Without it nobody is bound or known. */
  readonly standings?: StandingSource;
  /** Whether a peer is a relay of the network. Defaults to nobody. */
  readonly isRelay?: (peerId: string) => boolean;
  /** Topics to join. Defaults to all. */
  readonly topics?: readonly TopicName[];
  /**
   * The part of the swarm that this device takes part in; or every cohort that a neighbour follows, for
   * whoever keeps or counts what all say. Defaults to the whole swarm as one.
   */
  readonly cohorts?: Cohorts | 'every';
  /**
   * Messages that may wait for listeners. Defaults to 1,024. Beyond that the oldest of the authors that are
   * known least is dropped, as 'overflow'.
   */
  readonly queue?: number;
  /** 0 to 1. Defaults to Math.random. */
  readonly random?: () => number;
  readonly limits?: Pick<
    ValidatorOptions,
    'authorQuota' | 'ownerQuota' | 'sourceQuota' | 'maxKeys' | 'messageChecks'
  >;
}

/** Joins the topics of a network. Throws TypeError for an id that is none. */
export function startGossip(options: GossipOptions): Gossip {
  const { pubsub, networkId, key, scheduler, round, verifier, standings, isRelay, random } = options;
  const now = (): number => scheduler.now();
  const topics = topicsOf(networkId);
  const rejected = new RejectCounts();
  const validator = new Validator({
    ...options.limits,
    networkId,
    scheduler,
    round,
    verifier,
    standings,
    isRelay,
    random,
  });
  const listeners = new Set<(message: Message, origin: Origin) => void>();
  const rejectedListeners = new Set<(rejected: RejectedMessage) => void>();
  const capacity = options.queue ?? 1024;
  const queue: Accepted[] = [];
  let cancelDelivery: (() => void) | null = null;
  let lastSeq = 0;
  let stopped = false;

  function reject(reason: RejectReason, detail: string): void {
    rejected.add(reason);
    for (const listener of rejectedListeners) listener({ reason, detail });
  }

  function enqueue(accepted: Accepted): void {
    queue.push(accepted);
    if (queue.length > capacity) {
      const rank = Math.max(...queue.map(({ origin }) => AUTHOR_RANKS[origin.authorClass]));
      queue.splice(
        queue.findIndex(({ origin }) => AUTHOR_RANKS[origin.authorClass] === rank),
        1,
      );
      reject('overflow', 'messages come faster than they are read');
    }
    // In a task of its own, so that a listener cannot hold up the network's check.
    cancelDelivery ??= scheduler.after(0, deliver);
  }

  function deliver(): void {
    cancelDelivery = null;
    for (const { message, origin } of queue.splice(0))
      for (const listener of listeners) listener(message, origin);
  }

  async function check(bytes: Uint8Array, topic: Place, source: string): Promise<Disposition> {
    const verdict = await validator.check(bytes, topic, source);
    if (stopped) return 'ignore';
    if (verdict.kind === 'rejected') {
      reject(verdict.reason, verdict.detail);
    } else if (verdict.message.author === key.address) {
      // Other peers send own messages back.
      return 'ignore';
    } else {
      const { message, origin } = verdict;
      if (message.type === 'hello')
        cohorts?.heard(message, origin, typeof topic === 'string' ? '' : topic.cohort);
      enqueue(verdict);
    }
    return dispositionOf(verdict);
  }

  const cohorts = options.cohorts === 'every' ? undefined : options.cohorts;
  const names = options.topics ?? TOPIC_NAMES;
  const subscriptions = new CohortSubscriptions({
    pubsub,
    networkId,
    cohorts: options.cohorts,
    names,
    scheduler,
    check,
  });

  return {
    networkId,
    rejected,
    cohorts,
    async publish(message, reach = 'cohort') {
      lastSeq = Math.max(Math.floor(now()), lastSeq + 1);
      const bytes = encodeMessage(key, networkId, { ...message, seq: lastSeq } as UnsignedMessage);
      if (message.type === 'blocks') cohorts?.keepWhole();
      const { topic } = MESSAGE_TYPES[message.type];
      const cohort = reach === 'network' || topic === 'pipeline' ? '' : (cohorts?.own ?? '');
      await pubsub.publish(cohort === '' ? topics[topic] : cohortTopic(networkId, cohort), bytes);
      return decodeMessage(bytes);
    },
    onMessage(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onRejected(listener) {
      rejectedListeners.add(listener);
      return () => rejectedListeners.delete(listener);
    },
    reject,
    blame({ from }, { source }) {
      if (peerIdOf(from) === source) pubsub.blame(source);
    },
    isBound: (device) => validator.isBound(device),
    stop() {
      stopped = true;
      cancelDelivery?.();
      validator.stop();
      subscriptions.stop();
      listeners.clear();
      rejectedListeners.clear();
    },
  };
}
