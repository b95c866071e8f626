import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { Gossip } from '../gossip.ts';
import type { Message } from '../messages/envelope.ts';
import { LIMITS } from '../messages/limits.ts';
import type { Body } from '../messages/message-types.ts';
import type { Scheduler } from '../scheduler.ts';

type Entry = Body<'ack'>['attestations'][number];

export interface AcknowledgementsOptions {
  readonly gossip: Pick<Gossip, 'publish'>;
  readonly device: DeviceAddress;
  readonly scheduler: Scheduler;
  /** Current round by chain time. */
  readonly round: () => number;
  /** Called each time that one more peer has acknowledged an own attestation. `peers` have by then. */
  readonly onAccepted: (round: number, checkpointRoot: Hex, peers: number) => void;
}

/** Milliseconds during which the attestations of several peers are gathered into one ack. */
const GATHER_MS = 1_000;

/** Acknowledges the attestations of others that this device keeps, and counts the acks for its own. */
export class Acknowledgements {
  readonly #options: AcknowledgementsOptions;
  readonly #own = new BoundedMap<number, { readonly root: Hex; readonly peers: Set<DeviceAddress> }>(8);
  #pending: Entry[] = [];
  #cancelSend: (() => void) | null = null;

  constructor(options: AcknowledgementsOptions) {
    this.#options = options;
  }

  /**
   * Counts acks for the own attestation of a round from now on. Call it before the attestation is published.
   */
  expect(round: number, checkpointRoot: Hex): void {
    this.#own.set(round, { root: checkpointRoot, peers: new Set() });
  }

  /** Whether any peer has acknowledged the own attestation of a round. */
  accepted(round: number): boolean {
    return (this.#own.get(round)?.peers.size ?? 0) > 0;
  }

  /** Acknowledges another device's attestation in the next ack. */
  acknowledge({ author, round, body }: Message<'attest'>): void {
    if (this.#pending.length >= LIMITS.acks) return;
    this.#pending.push({ author, round, checkpointRoot: body.checkpointRoot });
    this.#cancelSend ??= this.#options.scheduler.after(GATHER_MS, () => this.#send());
  }

  /** Counts an ack of another device. */
  handleAck({ author, body }: Message<'ack'>): void {
    for (const entry of body.attestations) {
      const own = entry.author === this.#options.device ? this.#own.get(entry.round) : undefined;
      if (own === undefined || own.root !== entry.checkpointRoot || own.peers.has(author)) continue;
      own.peers.add(author);
      this.#options.onAccepted(entry.round, own.root, own.peers.size);
    }
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
