import { base58btc } from 'multiformats/bases/base58';
import { peerIdBytesOf } from '../protocol/device-key.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import { BoundedMap } from './bounded-map.ts';
import type { Gossip } from './gossip.ts';
import type { Body } from './messages/bodies.ts';
import type { SwarmNode } from './node.ts';
import { every, type Scheduler } from './scheduler.ts';

/** What a device says about itself; its addresses are added from the node. */
export type SelfDescription = Pick<Body<'hello'>, 'delegation' | 'engine' | 'conformance'>;

/** A device that has said hello lately. */
export interface Member extends SelfDescription {
  readonly device: DeviceAddress;
  readonly peerId: string;
  /** Local time of its last hello, milliseconds. */
  readonly lastSeen: number;
}

export interface PresenceOptions {
  readonly gossip: Gossip;
  readonly node: Pick<SwarmNode, 'addresses' | 'learn' | 'degree'>;
  /** 33-byte compressed device key. */
  readonly publicKey: Uint8Array;
  readonly describe: () => SelfDescription;
  readonly round: () => number;
  readonly scheduler: Scheduler;
  readonly relays: boolean;
  /** Milliseconds between hellos; sooner for newcomers and while there are no neighbours. */
  readonly interval?: number;
}

export interface Presence {
  /** Devices that said hello within the last three intervals. */
  members(): readonly Member[];
  member(device: DeviceAddress): Member | undefined;
  onMember(listener: (member: Member) => void): () => void;
  /** Says hello now, for instance after a delegation was signed. */
  announce(): Promise<void>;
  stop(): void;
}

/** Says hello every few seconds, and learns from the hellos of others who is there and where to dial. */
export function startPresence(options: PresenceOptions): Presence {
  const { gossip, node, scheduler } = options;
  const interval = options.interval ?? 10_000;
  const members = new BoundedMap<DeviceAddress, Member>(1024);
  const listeners = new Set<(member: Member) => void>();
  let lastHello = Number.NEGATIVE_INFINITY;
  let lastAddresses = '';
  let owed = false;

  async function announce(): Promise<void> {
    lastHello = scheduler.now();
    owed = false;
    const addresses = node.addresses();
    lastAddresses = addresses.join(' ');
    const body = {
      ...options.describe(),
      peerId: peerIdBytesOf(options.publicKey),
      addresses,
      relays: options.relays,
    };
    await gossip.say({ type: 'hello', round: options.round(), body });
  }

  const offMessages = gossip.listen((message) => {
    if (message.type !== 'hello') return;
    const { peerId: bytes, addresses, relays, delegation, engine, conformance } = message.body;
    const peerId = base58btc.baseEncode(bytes);
    const isNew = !members.has(message.author);
    const member = {
      device: message.author,
      peerId,
      delegation,
      engine,
      conformance,
      lastSeen: scheduler.now(),
    };
    members.set(message.author, member);
    node.learn(peerId, addresses, relays);
    // A newcomer does not know us yet, and refuses what we say until it does.
    if (isNew) owed = true;
    for (const listener of listeners) listener(member);
  });

  const offTimer = every(scheduler, 1_000, () => {
    const since = scheduler.now() - lastHello;
    const moved = node.addresses().join(' ') !== lastAddresses;
    const lonely = node.degree() === 0 && since >= 2_000;
    if (owed || moved || lonely || since >= interval) announce().catch(() => {});
  });

  return {
    members: () => [...members.values()].filter(({ lastSeen }) => scheduler.now() - lastSeen <= 3 * interval),
    member: (device) => members.get(device),
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
