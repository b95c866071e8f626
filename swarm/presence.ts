import { base58btc } from 'multiformats/bases/base58';
import { peerIdBytesOf } from '../protocol/device-key.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import { BoundedMap } from './bounded-map.ts';
import type { Gossip } from './gossip.ts';
import type { Body } from './messages/message-types.ts';
import type { SwarmNode } from './node.ts';
import { every, type Scheduler } from './scheduler.ts';

/** A device's description of itself in its hello. The node adds its addresses. */
export type SelfDescription = Pick<Body<'hello'>, 'delegation' | 'engine' | 'conformance'>;

/** A device that has sent a hello within the last three intervals. */
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
  /** Called for every hello. */
  readonly describe: () => SelfDescription;
  readonly round: () => number;
  readonly scheduler: Scheduler;
  /** Whether this device relays handshakes for others. */
  readonly relays: boolean;
  /**
   * Milliseconds between hellos. Defaults to 10,000. Newcomers and a lack of neighbours make them come
   * sooner.
   */
  readonly interval?: number;
}

export interface Presence {
  members(): readonly Member[];
  member(device: DeviceAddress): Member | undefined;
  onMember(listener: (member: Member) => void): () => void;
  /** Sends a hello now, for instance after a delegation was signed. */
  announce(): Promise<void>;
  stop(): void;
}

/** Sends a hello every few seconds, and learns from the hellos of others who is there and where to dial. */
export function startPresence(options: PresenceOptions): Presence {
  const { gossip, node, scheduler } = options;
  const interval = options.interval ?? 10_000;
  const members = new BoundedMap<DeviceAddress, Member>(1024);
  const listeners = new Set<(member: Member) => void>();
  let lastHello = Number.NEGATIVE_INFINITY;
  let lastAddresses = '';
  let newcomer = false;

  async function announce(): Promise<void> {
    lastHello = scheduler.now();
    newcomer = false;
    const addresses = node.addresses();
    lastAddresses = addresses.join(' ');
    const body = {
      ...options.describe(),
      peerId: peerIdBytesOf(options.publicKey),
      addresses,
      relays: options.relays,
    };
    await gossip.publish({ type: 'hello', round: options.round(), body });
  }

  const offMessages = gossip.onMessage((message, source) => {
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
    node.learn(peerId, addresses, relays, source);
    // A newcomer does not know this device yet, and rejects its messages until it has a hello of it.
    if (isNew) newcomer = true;
    for (const listener of listeners) listener(member);
  });

  const offTimer = every(scheduler, 1_000, () => {
    const since = scheduler.now() - lastHello;
    const moved = node.addresses().join(' ') !== lastAddresses;
    const alone = node.degree() === 0 && since >= 2_000;
    if (newcomer || moved || alone || since >= interval) announce().catch(() => {});
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
