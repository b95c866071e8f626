import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import { accountOf, type Standing } from '../../protocol/standing.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { Gossip } from '../gossip.ts';
import type { Message } from '../messages/envelope.ts';
import { LIMITS } from '../messages/limits.ts';
import type { Body } from '../messages/message-types.ts';
import type { Scheduler } from '../scheduler.ts';

type Entry = Body<'ack'>['attestations'][number];

/** Who has acknowledged an own attestation. */
export interface AcceptedBy {
  /** Owners and devices with a record. All devices of one owner count once. */
  readonly peers: number;
  /** Devices that the chain does not know. Anybody can make many, so they are counted apart. */
  readonly strangers: number;
}

export interface AcknowledgementsOptions {
  readonly gossip: Pick<Gossip, 'publish'>;
  readonly device: DeviceAddress;
  /** How many devices hear what this one says, with itself. */
  readonly members: () => number;
  readonly scheduler: Scheduler;
  /** Current round by chain time. */
  readonly round: () => number;
  /** What the chain says of a device now. */
  readonly standingOf: (device: DeviceAddress) => Standing;
  /** Called each time that an own attestation was acknowledged by one more. */
  readonly onAccepted: (round: number, checkpointRoot: Hex, by: AcceptedBy) => void;
}

interface Own {
  readonly root: Hex;
  readonly accounts: Set<string>;
  readonly strangers: Set<string>;
}

/**
 * Milliseconds during which the attestations of several peers are gathered into one ack: among few, and where
 * acks are many. Whoever leaves waits 3 s for the first.
 */
const GATHER_MS = { few: 1_000, many: 2_500 };
/** Members up to which acks are few. */
const FEW = 12;
/** Accounts, and strangers, that are counted for one attestation. */
const MAX_COUNTED = 256;

/** Acknowledges the attestations of others that this device has checked, and counts the acks for its own. */
export class Acknowledgements {
  readonly #options: AcknowledgementsOptions;
  readonly #own = new BoundedMap<number, Own>(8);
  #pending: Entry[] = [];
  #cancelSend: (() => void) | null = null;

  constructor(options: AcknowledgementsOptions) {
    this.#options = options;
  }

  /**
   * Counts acks for the own attestation of a round from now on. Call it before the attestation is published.
   */
  expect(round: number, checkpointRoot: Hex): void {
    this.#own.set(round, { root: checkpointRoot, accounts: new Set(), strangers: new Set() });
  }

  /** Whether anybody has acknowledged the own attestation of a round. */
  accepted(round: number): boolean {
    const own = this.#own.get(round);
    return own !== undefined && own.accounts.size + own.strangers.size > 0;
  }

  /** Acknowledges another device's attestation in the next ack. */
  acknowledge({ author, round, body }: Message<'attest' | 'state'>): void {
    if (this.#pending.length >= LIMITS.acks) return;
    this.#pending.push({ author, round, checkpointRoot: body.checkpointRoot });
    const { scheduler, members } = this.#options;
    const gatherMs = members() > FEW ? GATHER_MS.many : GATHER_MS.few;
    this.#cancelSend ??= scheduler.after(gatherMs, () => this.#send());
  }

  /**
   * Counts an ack of another device. Returns whether it acknowledges what this device, which knows best,
   * never attested.
   */
  handleAck({ author, body }: Message<'ack'>): boolean {
    const { device, standingOf, onAccepted } = this.#options;
    const standing = standingOf(author);
    let isFalse = false;
    for (const entry of body.attestations) {
      const own = entry.author === device ? this.#own.get(entry.round) : undefined;
      if (own === undefined) continue;
      if (own.root !== entry.checkpointRoot) {
        isFalse = true;
        continue;
      }
      const counted = standing.kind === 'unknown' ? own.strangers : own.accounts;
      const account = accountOf(author, standing);
      if (counted.has(account) || counted.size >= MAX_COUNTED) continue;
      counted.add(account);
      const by = { peers: own.accounts.size, strangers: own.strangers.size };
      onAccepted(entry.round, own.root, by);
    }
    return isFalse;
  }

  stop(): void {
    this.#cancelSend?.();
    this.#cancelSend = null;
  }

  #send(): void {
    this.#cancelSend = null;
    const attestations = this.#pending;
    this.#pending = [];
    // An ack that is lost costs the attesting peer one in its count, nothing else.
    this.#options.gossip
      .publish({ type: 'ack', round: this.#options.round(), body: { attestations } })
      .catch(() => {});
  }
}
