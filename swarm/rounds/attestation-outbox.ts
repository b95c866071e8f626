import { BoundedMap } from '../bounded-map.ts';
import type { Gossip } from '../gossip.ts';
import type { AttestBody } from '../messages/bodies.ts';
import { MESSAGE_TYPES } from '../messages/message-types.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Acknowledgements } from './acknowledgements.ts';

/** An own attestation that nobody has acknowledged yet. */
export interface OwnAttestation {
  readonly round: number;
  readonly body: AttestBody;
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
  const { round, body } = (value ?? {}) as { readonly round?: unknown; readonly body?: unknown };
  return Number.isSafeInteger(round) && typeof body === 'object' && body !== null;
}

/** Where a device keeps its attestations, so that they outlive its process. */
export interface AttestationStore {
  /** What was written last. An empty list where nothing was. */
  read(): Promise<readonly OwnAttestation[]>;
  write(attestations: readonly OwnAttestation[]): Promise<void>;
}

export interface AttestationOutboxOptions {
  readonly gossip: Pick<Gossip, 'publish'>;
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
    const { store, acknowledgements, scheduler } = this.#options;
    const left = (await store?.read().catch(() => [])) ?? [];
    for (const { round, body } of left) {
      if (this.#isStale(round) || this.#entries.get(round) !== undefined) continue;
      acknowledgements.expect(round, body.checkpointRoot);
      // Soon, but not before the first neighbours are there.
      const nextAt = scheduler.now() + FIRST_PAUSE_MS;
      this.#entries.set(round, { round, body, nextAt, pauseMs: FIRST_PAUSE_MS });
    }
    this.#lookLater();
  }

  /** Keeps and sends an attestation. Rejects with CodecError over a limit of the message. */
  async send(round: number, body: AttestBody): Promise<void> {
    const { gossip, acknowledgements, scheduler } = this.#options;
    acknowledgements.expect(round, body.checkpointRoot);
    const nextAt = scheduler.now() + FIRST_PAUSE_MS;
    this.#entries.set(round, { round, body, nextAt, pauseMs: 2 * FIRST_PAUSE_MS });
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
    const kept = [...this.#entries.values()].map(({ round, body }) => ({ round, body }));
    this.#writing = this.#writing.then(() => this.#options.store?.write(kept)).catch(() => undefined);
    return this.#writing;
  }
}
