import { base58btc } from 'multiformats/bases/base58';
import { peerIdBytesOf } from '../protocol/device-key.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import { FairMap } from './fair-map.ts';
import type { Gossip, Reach } from './gossip.ts';
import { AUTHOR_RANKS } from './messages/admission.ts';
import type { Body } from './messages/message-types.ts';
import type { SwarmNode } from './node.ts';
import { every, type Scheduler } from './scheduler.ts';

/** A device's description of itself in its hello. The node adds its addresses. */
export type SelfDescription = Pick<Body<'hello'>, 'delegation' | 'engine' | 'conformance'>;

/** A device that has sent a hello within the last three intervals. */
export interface Member extends SelfDescription {
  readonly device: DeviceAddress;
  readonly peerId: string;
  /** Multiaddrs at which it says that it listens. */
  readonly addresses: readonly string[];
  /** Local time of its last hello, milliseconds. */
  readonly lastSeen: number;
}

export interface PresenceOptions {
  readonly gossip: Gossip;
  readonly node: Pick<SwarmNode, 'addresses' | 'learn' | 'degree'>;
  /** 33-byte compressed device key. */
  readonly publicKey: Uint8Array;
  /** Called for every hello. */
  readonly describe: () => SelfDescription;
  readonly round: () => number;
  readonly scheduler: Scheduler;
  /** Whether this device relays handshakes for others. */
  readonly relays: boolean;
  /**
   * Milliseconds between hellos. Defaults to 10,000. Newcomers and a lack of neighbours make them come
   * sooner, and more than 16 members later.
   */
  readonly interval?: number;
  /** Members kept that are not unknown, and unknown ones beside them. Defaults to 1,024 each. */
  readonly maxMembers?: number;
  /** 0 to 1. Spreads the answers to newcomers. Defaults to Math.random. */
  readonly random?: () => number;
}

export interface Presence {
  members(): readonly Member[];
  member(device: DeviceAddress): Member | undefined;
  onMember(listener: (member: Member) => void): () => void;
  /** Sends a hello now, for instance after a delegation was signed. */
  announce(): Promise<void>;
  stop(): void;
}

/** Members that say hello as often as they may. More of them say as many hellos together. */
const FREQUENT = 16;
/** The longest time between two hellos to the own cohort, in the usual ones. */
const LONGEST = 2;
/** Answers to a newcomer that the whole swarm spreads over a second, as far as it fits into an interval. */
const ANSWERS_PER_SECOND = 1;

/**
 * Sends a hello every few seconds, and learns from the hellos of others who is there and where to dial. New
 * keys are free, so newcomers bring about at most one hello more in an interval, at a random time.
 */
export function startPresence(options: PresenceOptions): Presence {
  const { gossip, node, scheduler, random = Math.random } = options;
  const shortest = options.interval ?? 10_000;
  const now = (): number => scheduler.now();
  const limit = options.maxMembers ?? 1024;
  const established = new FairMap<DeviceAddress, Member>({ limit, now });
  const unknown = new FairMap<DeviceAddress, Member>({ limit, now });
  const listeners = new Set<(member: Member) => void>();
  const { cohorts } = gossip;
  let lastHello = Number.NEGATIVE_INFINITY;
  /** When the last hello went beyond the own cohort. The first one, at level 0, did. */
  let lastFar = scheduler.now();
  /** The part of the usual time until the next one, so that a swarm's do not come all at once. */
  let farWait = random();
  let lastAddresses = '';
  /** When to answer newcomers. Null when nobody is new, or a hello went out since. */
  let answerAt: number | null = null;
  let lastAnswer = Number.NEGATIVE_INFINITY;

  const member = (device: DeviceAddress): Member | undefined =>
    established.get(device) ?? unknown.get(device);
  const isThere = ({ lastSeen }: Member): boolean => scheduler.now() - lastSeen <= 3 * interval();
  const members = (): readonly Member[] => [...established.values(), ...unknown.values()].filter(isThere);

  /** Milliseconds between two hellos of a device among `count`. More than 16 say as many as 16 do. */
  function intervalOf(count: number): number {
    return shortest * Math.max(1, count / FREQUENT);
  }

  function interval(): number {
    if (cohorts === undefined) return shortest;
    // Others forget a member after 30 s.
    return Math.min(LONGEST * shortest, intervalOf(cohorts.size));
  }

  /** Whether a hello is due to those outside the own cohort, who find neighbours by it. */
  function isFarDue(): boolean {
    if (cohorts === undefined || cohorts.level === 0) return false;
    // Alone in its cohort a device has to be found.
    const far = cohorts.size === 1 ? shortest : intervalOf(cohorts.swarmSize);
    return scheduler.now() - lastFar >= far * farWait;
  }

  async function announce(): Promise<void> {
    lastHello = scheduler.now();
    if (answerAt !== null && answerAt <= lastHello) lastAnswer = lastHello;
    answerAt = null;
    await say('cohort');
  }

  async function announceFar(): Promise<void> {
    lastFar = scheduler.now();
    farWait = 1;
    await say('network');
  }

  async function say(reach: Reach): Promise<void> {
    const addresses = node.addresses();
    lastAddresses = addresses.join(' ');
    const body = {
      ...options.describe(),
      peerId: peerIdBytesOf(options.publicKey),
      addresses,
      relays: options.relays,
    };
    await gossip.publish({ type: 'hello', round: options.round(), body }, reach);
  }

  const offMessages = gossip.onMessage((message, { source, authorClass, account }) => {
    if (message.type !== 'hello') return;
    const { peerId: bytes, addresses, relays, delegation, engine, conformance } = message.body;
    const peerId = base58btc.baseEncode(bytes);
    const before = member(message.author);
    const heard = {
      device: message.author,
      peerId,
      addresses,
      delegation,
      engine,
      conformance,
      lastSeen: scheduler.now(),
    };
    const isUnknown = authorClass === 'unknown';
    (isUnknown ? established : unknown).delete(message.author);
    (isUnknown ? unknown : established).set(message.author, heard, {
      rank: AUTHOR_RANKS[authorClass],
      group: authorClass === 'bound' ? account : source,
    });
    node.learn(peerId, addresses, relays, source);
    const isNear = cohorts === undefined || cohorts.isMine(message.from);
    if (isNear && (before === undefined || !isThere(before))) answerSoon();
    for (const listener of listeners) listener(heard);
  });

  /** A newcomer does not know yet where this device listens. */
  function answerSoon(): void {
    if (answerAt !== null || scheduler.now() - lastAnswer < interval()) return;
    const spread = Math.min(interval(), (1000 * members().length) / ANSWERS_PER_SECOND);
    answerAt = scheduler.now() + random() * spread;
  }

  const offTimer = every(scheduler, 1_000, () => {
    const since = scheduler.now() - lastHello;
    const moved = node.addresses().join(' ') !== lastAddresses;
    const alone = node.degree() === 0 && since >= 2_000;
    const answers = answerAt !== null && answerAt <= scheduler.now();
    if (answers || moved || alone || since >= interval()) announce().catch(() => {});
    if (isFarDue()) announceFar().catch(() => {});
  });

  return {
    members,
    member,
    onMember(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    announce,
    stop() {
      offMessages();
      offTimer();
      listeners.clear();
    },
  };
}
