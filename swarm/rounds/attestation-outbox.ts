import { fromHex, type Hex, toHex } from '../../protocol/hex.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { Content } from '../content/content.ts';
import type { Gossip } from '../gossip.ts';
import type { AttestBody } from '../messages/bodies.ts';
import { MESSAGE_TYPES } from '../messages/message-types.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Acknowledgements } from './acknowledgements.ts';

/** An own attestation that nobody has acknowledged yet. */
export interface OwnAttestation {
  readonly round: number;
  readonly body: AttestBody;
  /**
   * The rollout set that it names, without which others do not acknowledge it. Absent where the set is too
   * large to be kept with it.
   */
  readonly set?: Hex;
}

/**
 * Attestations from the text that a store has, JSON of a list of them. What is none is left out; what else is
 * wrong with a body is found before it is sent. Throws SyntaxError for a damaged text.
 */
export function parseAttestations(text: string): readonly OwnAttestation[] {
  const found: unknown = JSON.parse(text);
  return Array.isArray(found) ? found.filter(isAttestation) : [];
}

function isAttestation(value: unknown): value is OwnAttestation {
  const { round, body, set = '0x' } = (value ?? {}) as Partial<Record<keyof OwnAttestation, unknown>>;
  const isSet = typeof set === 'string' && /^0x([0-9a-f]{2})*$/.test(set);
  return Number.isSafeInteger(round) && typeof body === 'object' && body !== null && isSet;
}

/** Where a device keeps its attestations, so that they outlive its process. */
export interface AttestationStore {
  /** What was written last. An empty list where nothing was. */
  read(): Promise<readonly OwnAttestation[]>;
  write(attestations: readonly OwnAttestation[]): Promise<void>;
}

export interface AttestationOutboxOptions {
  readonly gossip: Pick<Gossip, 'publish'>;
  readonly content: Pick<Content, 'publishObject'>;
  readonly acknowledgements: Pick<Acknowledgements, 'expect' | 'accepted'>;
  readonly scheduler: Scheduler;
  /** Current round by chain time. */
  readonly round: () => number;
  /** Defaults to the process's memory. */
  readonly store?: AttestationStore;
}

interface Entry extends OwnAttestation {
  /** Local time of the next sending, and milliseconds from there to the one after. */
  nextAt: number;
  pauseMs: number;
}

/** The first pause. An ack takes a second or two. */
const FIRST_PAUSE_MS = 5_000;
const LOOK_MS = 1_000;
/** Most bytes of a rollout set that are kept with its attestation. A tab has a few MB for all of them. */
const MAX_SET_BYTES = 128 * 1024;
/** As many as a receiver takes rounds, and one. */
const MAX_KEPT = MESSAGE_TYPES.attest.window.behind + 2;

/**
 * Sends an own attestation again until somebody acknowledges it or it is stale: after 5 s, 10 s, 20 s and so
 * on, and by a process that was ended and begins again. Gossip hands a message to whoever is connected, so
 * without this an attestation is lost when nobody is, or when the process ends before its bytes are out.
 */
export class AttestationOutbox {
  readonly #options: AttestationOutboxOptions;
  readonly #entries = new BoundedMap<number, Entry>(MAX_KEPT);
  #cancelLook: (() => void) | null = null;
  #isStopped = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: AttestationOutboxOptions) {
    this.#options = options;
  }

  /** Takes up what an earlier process left. Never rejects: what cannot be read is lost. */
  async open(): Promise<void> {
    const { store, acknowledgements, scheduler, content } = this.#options;
    const left = (await store?.read().catch(() => [])) ?? [];
    for (const own of left) {
      const { round, body, set } = own;
      if (this.#isStale(round) || this.#entries.get(round) !== undefined) continue;
      acknowledgements.expect(round, body.checkpointRoot);
      // Who did not hear the reveal asks for the set, and what a process serves may end with it.
      if (set !== undefined) void content.publishObject(fromHex(set)).catch(() => undefined);
      // Soon, but not before the first neighbours are there.
      const nextAt = scheduler.now() + FIRST_PAUSE_MS;
      this.#entries.set(round, { ...own, nextAt, pauseMs: FIRST_PAUSE_MS });
    }
    this.#lookLater();
  }

  /**
   * Keeps and sends an attestation. `set` has the bytes of the rollout set that it names, if they are here.
   * Rejects with CodecError over a limit of the message.
   */
  async send(round: number, body: AttestBody, set?: Uint8Array): Promise<void> {
    const { gossip, acknowledgements, scheduler } = this.#options;
    acknowledgements.expect(round, body.checkpointRoot);
    const nextAt = scheduler.now() + FIRST_PAUSE_MS;
    const kept = set === undefined || set.length > MAX_SET_BYTES ? {} : { set: toHex(set) };
    this.#entries.set(round, { round, body, ...kept, nextAt, pauseMs: 2 * FIRST_PAUSE_MS });
    this.#lookLater();
    await this.#write();
    await gossip.publish({ type: 'attest', round, body });
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelLook?.();
  }

  /** Looks once a second while something is not acknowledged. */
  #lookLater(): void {
    if (this.#isStopped || this.#entries.size === 0) return;
    this.#cancelLook ??= this.#options.scheduler.after(LOOK_MS, () => {
      this.#cancelLook = null;
      this.#look();
      this.#lookLater();
    });
  }

  #look(): void {
    const { gossip, acknowledgements, scheduler } = this.#options;
    const now = scheduler.now();
    let isChanged = false;
    for (const [round, entry] of [...this.#entries.entries()]) {
      if (acknowledgements.accepted(round) || this.#isStale(round)) {
        this.#entries.delete(round);
        isChanged = true;
      } else if (now >= entry.nextAt) {
        entry.nextAt = now + entry.pauseMs;
        entry.pauseMs *= 2;
        // One that cannot be sent now is tried again.
        gossip.publish({ type: 'attest', round, body: entry.body }).catch(() => undefined);
      }
    }
    if (isChanged) void this.#write();
  }

  #isStale(round: number): boolean {
    return round < this.#options.round() - MESSAGE_TYPES.attest.window.behind;
  }

  /** A full disk keeps no round from being attested. It is then only in memory. */
  #write(): Promise<void> {
    const kept = [...this.#entries.values()].map(({ nextAt: _, pauseMs: __, ...own }) => own);
    this.#writing = this.#writing.then(() => this.#options.store?.write(kept)).catch(() => undefined);
    return this.#writing;
  }
}
