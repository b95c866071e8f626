import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { Gossip } from '../gossip.ts';
import type { Body } from '../messages/bodies.ts';
import type { Message } from '../messages/envelope.ts';
import { LIMITS } from '../messages/limits.ts';
import type { Scheduler } from '../scheduler.ts';

type Entry = Body<'ack'>['attestations'][number];

export interface AcknowledgementsOptions {
  readonly gossip: Pick<Gossip, 'say'>;
  readonly device: DeviceAddress;
  readonly scheduler: Scheduler;
  readonly round: () => number;
  readonly onAccepted: (round: number, checkpointRoot: Hex, peers: number) => void;
}

/** Milliseconds in which the attestations of several peers are gathered into one ack. */
const GATHER = 1_000;

/** Tells others which of their attestations this device keeps, and counts who keeps its own. */
export class Acknowledgements {
  readonly #options: AcknowledgementsOptions;
  readonly #mine = new BoundedMap<number, { readonly root: Hex; readonly peers: Set<DeviceAddress> }>(8);
  #owed: Entry[] = [];
  #cancel: (() => void) | null = null;

  constructor(options: AcknowledgementsOptions) {
    this.#options = options;
  }

  /** Own attestation was sent; acks for it count from now on. */
  expect(round: number, checkpointRoot: Hex): void {
    this.#mine.set(round, { root: checkpointRoot, peers: new Set() });
  }

  /** Whether anybody keeps the own attestation of a round. */
  accepted(round: number): boolean {
    return (this.#mine.get(round)?.peers.size ?? 0) > 0;
  }

  /** Another's attestation was kept. */
  owe({ author, round, body }: Message<'attest'>): void {
    if (this.#owed.length >= LIMITS.acks) return;
    this.#owed.push({ author, round, checkpointRoot: body.checkpointRoot });
    this.#cancel ??= this.#options.scheduler.after(GATHER, () => this.#send());
  }

  hear({ author, body }: Message<'ack'>): void {
    for (const entry of body.attestations) {
      const mine = entry.author === this.#options.device ? this.#mine.get(entry.round) : undefined;
      if (mine === undefined || mine.root !== entry.checkpointRoot || mine.peers.has(author)) continue;
      mine.peers.add(author);
      this.#options.onAccepted(entry.round, mine.root, mine.peers.size);
    }
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #send(): void {
    this.#cancel = null;
    const attestations = this.#owed;
    this.#owed = [];
    // Lost with the network; the peer's count stays lower by one, nothing else.
    this.#options.gossip
      .say({ type: 'ack', round: this.#options.round(), body: { attestations } })
      .catch(() => {});
  }
}
