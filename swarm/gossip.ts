import type { DeviceKey } from '../protocol/device-key.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import type { Body, MessageType, TopicName } from './messages/bodies.ts';
import { topicOf } from './messages/bodies.ts';
import { type Draft, type Message, open, seal } from './messages/envelope.ts';
import { type Refusal, RefusalCounts } from './messages/refusal.ts';
import { type ClaimVerifier, Validator, type ValidatorOptions } from './messages/validator.ts';
import type { Disposition, PubSub } from './pubsub.ts';
import { runTopics } from './run.ts';
import type { Scheduler } from './scheduler.ts';

/** What may be said: a type and its body. Round, sequence and signature are added here. */
export type Saying = {
  [T in MessageType]: { readonly type: T; readonly round: number; readonly body: Body<T> };
}[MessageType];

export interface RefusedMessage {
  readonly reason: Refusal;
  readonly detail: string;
}

/** Messages of one run: signs what goes out, checks what comes in, and hands accepted messages to listeners. */
export interface Gossip {
  readonly run: string;
  readonly refusals: RefusalCounts;
  /** Signs and sends. Resolves with the message once it is handed to the network. Throws CodecError over a limit. */
  say(saying: Saying): Promise<Message>;
  /** Calls `listener` for every accepted message of others, in order of arrival. */
  listen(listener: (message: Message) => void): () => void;
  onRefused(listener: (refused: RefusedMessage) => void): () => void;
  /** Counts a refusal decided later than on arrival, such as a reveal without its commit. */
  refuse(reason: Refusal, detail: string): void;
  isBound(device: DeviceAddress): boolean;
  stop(): void;
}

export interface GossipOptions {
  readonly pubsub: PubSub;
  readonly run: string;
  readonly key: DeviceKey;
  readonly scheduler: Scheduler;
  /** Current round by chain time. */
  readonly round: () => number;
  readonly claims?: ClaimVerifier;
  /** Topics to follow; all by default. An archive needs presence and attestations only. */
  readonly topics?: readonly TopicName[];
  /** Messages waiting for listeners; when full the oldest is dropped and counted as 'overflow'. */
  readonly queue?: number;
  readonly limits?: Pick<ValidatorOptions, 'authorQuota' | 'sourceQuota' | 'maxKeys'>;
}

/** Joins the topics of a run. Throws TypeError for a bad run name. */
export function startGossip(options: GossipOptions): Gossip {
  const { pubsub, run, key, scheduler, round, claims } = options;
  const now = (): number => scheduler.now();
  const topics = runTopics(run);
  const refusals = new RefusalCounts();
  const validator = new Validator({
    run,
    now,
    round,
    ...(claims === undefined ? {} : { claims }),
    ...options.limits,
  });
  const listeners = new Set<(message: Message) => void>();
  const refusedListeners = new Set<(refused: RefusedMessage) => void>();
  const capacity = options.queue ?? 1024;
  const queue: Message[] = [];
  let cancelDrain: (() => void) | null = null;
  let lastSeq = 0;
  let stopped = false;

  function refuse(reason: Refusal, detail: string): void {
    refusals.add(reason);
    for (const listener of refusedListeners) listener({ reason, detail });
  }

  function deliver(message: Message): void {
    queue.push(message);
    if (queue.length > capacity) {
      queue.shift();
      refuse('overflow', 'messages come faster than they are read');
    }
    // In a task of its own, so that a listener cannot hold up the network's check.
    cancelDrain ??= scheduler.after(0, drain);
  }

  function drain(): void {
    cancelDrain = null;
    for (const message of queue.splice(0)) for (const listener of listeners) listener(message);
  }

  async function check(bytes: Uint8Array, topic: TopicName, source: string): Promise<Disposition> {
    const verdict = await validator.check(bytes, topic, source);
    if (stopped) return 'ignore';
    if (verdict.kind === 'refused') {
      refuse(verdict.reason, verdict.detail);
      return verdict.penalise ? 'reject' : 'ignore';
    }
    // One's own words come back through others.
    if (verdict.message.author === key.address) return 'ignore';
    deliver(verdict.message);
    return 'accept';
  }

  const names = options.topics ?? (['presence', 'rounds', 'attestations'] as const);
  const leave = names.map((name) => pubsub.join(topics[name], (bytes, source) => check(bytes, name, source)));

  return {
    run,
    refusals,
    async say(saying) {
      lastSeq = Math.max(Math.floor(now()), lastSeq + 1);
      const bytes = seal(key, run, { ...saying, seq: lastSeq } as Draft);
      await pubsub.publish(topics[topicOf[saying.type]], bytes);
      return open(bytes);
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onRefused(listener) {
      refusedListeners.add(listener);
      return () => refusedListeners.delete(listener);
    },
    refuse,
    isBound: (device) => validator.isBound(device),
    stop() {
      stopped = true;
      cancelDrain?.();
      for (const off of leave) off();
      listeners.clear();
      refusedListeners.clear();
    },
  };
}
