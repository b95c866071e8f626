import type { DialTarget } from './dial-target.ts';
import { chooseFairly, groupedBy, pickOne } from './fair-choice.ts';

/**
 * What speaks for a candidate. `record`: an owner or attested rounds on the chain, or this node dialled it
 * with success before. `heard`: several neighbours passed its hellos on. `new`: nothing, as for any key.
 */
export type CandidateClass = 'record' | 'heard' | 'new';

const CLASSES = ['record', 'heard', 'new'] as const;
/** Neighbours remembered for one candidate. */
const MAX_SOURCES = 4;

/** A peer that said where it listens. */
export interface Candidate {
  readonly peerId: string;
  readonly targets: readonly DialTarget[];
  /** Local time of its first hello, milliseconds. */
  readonly learned: number;
  /** Local time of its last hello, milliseconds. */
  readonly lastSeen: number;
  /** The neighbours that passed its hellos on, or `unknown`. */
  readonly sources: readonly string[];
}

export interface Attempt {
  readonly candidate: Candidate;
  readonly target: DialTarget;
}

export interface CandidatesOptions {
  readonly now: () => number;
  /** 0 to 1. */
  readonly random: () => number;
  /** Whether the chain or an earlier dial speaks for the peer. */
  readonly hasRecord: (peerId: string) => boolean;
  /** Defaults to 512. */
  readonly places?: number;
}

const UNKNOWN_SOURCE = 'unknown';

/**
 * Peers that may be dialled. When the table is full, a new key displaces another new key: one of the
 * neighbour and address prefix that brought the most. No number of new keys displaces a peer with a record.
 */
export class Candidates {
  readonly #options: CandidatesOptions;
  readonly #entries = new Map<string, Candidate>();

  constructor(options: CandidatesOptions) {
    this.#options = options;
  }

  get(peerId: string): Candidate | undefined {
    return this.#entries.get(peerId);
  }

  peerIds(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** Remembers what a peer's hello said, and which neighbour passed it on where that is known. */
  learn(peerId: string, targets: readonly DialTarget[], source: string | undefined): void {
    const known = this.#entries.get(peerId);
    const now = this.#options.now();
    const before = (known?.sources ?? []).filter((other) => other !== UNKNOWN_SOURCE && other !== source);
    const sources = source === undefined ? before : [source, ...before].slice(0, MAX_SOURCES);
    this.#entries.set(peerId, {
      peerId,
      targets,
      learned: known?.learned ?? now,
      lastSeen: now,
      sources: sources.length === 0 ? [UNKNOWN_SOURCE] : sources,
    });
    if (this.#entries.size > (this.#options.places ?? 512)) this.#displace();
  }

  /** Forgets who has been silent for more than `ms` milliseconds. */
  forgetSilent(ms: number): void {
    for (const { peerId, lastSeen } of [...this.#entries.values()]) {
      if (this.#options.now() - lastSeen > ms) this.#entries.delete(peerId);
    }
  }

  classOf({ peerId, sources }: Candidate): CandidateClass {
    if (this.#options.hasRecord(peerId)) return 'record';
    return sources.length > 1 ? 'heard' : 'new';
  }

  /**
   * Draws an attempt among those that are ready. Half of the draws go to candidates with a record when there
   * are any, half of the rest to those heard through several neighbours. Within a class a draw is fair by
   * transport, neighbour, address prefix and endpoint, and not by key, because keys are free.
   */
  draw(isReady: (attempt: Attempt, candidateClass: CandidateClass) => boolean): Attempt | undefined {
    const ready: Record<CandidateClass, Attempt[]> = { record: [], heard: [], new: [] };
    for (const candidate of this.#entries.values()) {
      const candidateClass = this.classOf(candidate);
      for (const target of candidate.targets) {
        const attempt = { candidate, target };
        if (isReady(attempt, candidateClass)) ready[candidateClass].push(attempt);
      }
    }
    const classes = CLASSES.filter((name) => ready[name].length > 0);
    const last = classes.at(-1);
    const chosen = classes.find((name) => name === last || this.#options.random() < 0.5);
    if (chosen === undefined) return undefined;
    return chooseFairly(
      ready[chosen],
      [
        ({ target }) => [target.kind],
        ({ candidate }) => candidate.sources,
        ({ target }) => [prefixOf(target)],
        ({ target }) => [target.endpoint],
      ],
      this.#options.random,
    );
  }

  #displace(): void {
    const byClass = groupedBy(this.#entries.values(), (candidate) => [this.classOf(candidate)]);
    const lowest = CLASSES.findLast((name) => byClass.has(name)) ?? 'new';
    let left = byClass.get(lowest) ?? [];
    left = largestGroup(left, ({ sources }) => sources[0] ?? UNKNOWN_SOURCE);
    left = largestGroup(left, ({ targets: [first] }) => (first === undefined ? '' : prefixOf(first)));
    // A random one: neither the first nor the last to come should own the places.
    const victim = pickOne(left, this.#options.random);
    if (victim !== undefined) this.#entries.delete(victim.peerId);
  }
}

/** What one party easily has many of: the addresses of one prefix, or the places of one relay. */
function prefixOf(target: DialTarget): string {
  return target.kind === 'tcp' ? target.prefix : target.relay;
}

/** The items of the key that most items share. */
function largestGroup<T>(items: readonly T[], keyOf: (item: T) => string): readonly T[] {
  let largest: readonly T[] = [];
  for (const group of groupedBy(items, (item) => [keyOf(item)]).values()) {
    if (group.length > largest.length) largest = group;
  }
  return largest;
}
