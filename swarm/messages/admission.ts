import { FairQueue } from '../fair-queue.ts';
import type { Scheduler } from '../scheduler.ts';
import { type Quota, TokenBuckets } from '../token-bucket.ts';
import type { MessageType } from './message-types.ts';

/**
 * How well an author is known here. `bound` and `known` are what the chain says of it (protocol/standing.ts).
 * `seen` is an author without either that was heard for a while.
 */
export type AuthorClass = 'bound' | 'known' | 'seen' | 'unknown';

/** Who keeps a place longest: 0 before 1 before 2 before 3. */
export const AUTHOR_RANKS: Readonly<Record<AuthorClass, number>> = {
  bound: 0,
  known: 1,
  seen: 2,
  unknown: 3,
};

/** What a neighbour may pass on. The last quarter is for authors that are not unknown. */
const NEIGHBOUR_MESSAGES: Quota = { perSecond: 500, burst: 1000 };
const NEIGHBOUR_BYTES: Quota = { perSecond: 3 * 1024 ** 2, burst: 12 * 1024 ** 2 };
const RESERVE = 1 / 4;

/** Work that a neighbour may bring of unknown authors, in units. What is more is dropped. */
const NEIGHBOUR_STRANGERS: Quota = { perSecond: 100, burst: 200 };

/**
 * Work that a neighbour may bring of messages that are stale, in units, besides as much as it brought of
 * messages that were accepted. Peers do not pass stale ones on, except for a moment where two clocks differ,
 * so a neighbour that brings twice the burst loses standing. The burst is what a large swarm says in the
 * seconds that a device takes to set its clock after sleep.
 */
const NEIGHBOUR_STALE: Quota = { perSecond: 10, burst: 500 };

/**
 * Units of work a second for each class of author. A unit is one check of a signature, about 2 ms in a tab.
 */
export const LANES = {
  chain: { perSecond: 200, burst: 40 },
  seen: { perSecond: 200, burst: 40 },
  unknown: { perSecond: 50, burst: 10 },
} as const satisfies Readonly<Record<string, Quota>>;

const LANE_OF = { bound: 'chain', known: 'chain', seen: 'seen', unknown: 'unknown' } as const;

/** Bytes whose hash, decoding and second encoding take about as long as the check of a signature. */
const BYTES_A_UNIT = 16_384;

/** Types with a second signature inside. */
const SIGNED_INSIDE: ReadonlySet<MessageType> = new Set(['vote', 'attest', 'state']);

/** Units of work that a message takes. A second signature inside takes one. */
export function costOf(bytes: number, type?: MessageType): number {
  return 1 + bytes / BYTES_A_UNIT + (type !== undefined && SIGNED_INSIDE.has(type) ? 1 : 0);
}

export interface AdmissionOptions {
  readonly scheduler: Scheduler;
  /** 0 to 1. Defaults to Math.random. */
  readonly random?: () => number;
  /** Messages of any author that one neighbour passes on. Defaults to `NEIGHBOUR_MESSAGES`. */
  readonly neighbourQuota?: Quota;
  /** Neighbours that share turns, such as those of one address prefix. Defaults to each for itself. */
  readonly groupOf?: (source: string) => string;
}

/** A message that asks to be verified. */
export interface Arrival {
  readonly source: string;
  /** Whether the neighbour itself is the author. Its own messages wait apart from those that it passes on. */
  readonly isOwn: boolean;
  readonly authorClass: AuthorClass;
  /** The author, and whoever its places are counted for. Of unknown authors neither counts. */
  readonly author: string;
  readonly account: string;
  readonly cost: number;
}

/**
 * What strangers may make this device do: quotas in messages, bytes and work for each neighbour, charged
 * before anything is decoded, and turns for the costly checks by class of author. Known authors take turns by
 * owner and device, so it does not matter who passes a message on. Unknown authors take turns by neighbour,
 * because their keys are free and connections are not. All networks of a relay share one.
 */
export class Admission {
  readonly #messages: TokenBuckets;
  readonly #bytes: TokenBuckets;
  readonly #strangers: TokenBuckets;
  readonly #stale: TokenBuckets;
  readonly #lanes: Readonly<Record<keyof typeof LANES, FairQueue>>;
  readonly #neighbourQuota: Quota;
  readonly #groupOf: (source: string) => string;

  constructor(options: AdmissionOptions) {
    const { scheduler, random = Math.random } = options;
    const now = (): number => scheduler.now();
    this.#neighbourQuota = options.neighbourQuota ?? NEIGHBOUR_MESSAGES;
    this.#groupOf = options.groupOf ?? ((source) => source);
    this.#messages = new TokenBuckets(this.#neighbourQuota, now);
    this.#bytes = new TokenBuckets(NEIGHBOUR_BYTES, now);
    this.#strangers = new TokenBuckets(NEIGHBOUR_STRANGERS, now);
    this.#stale = new TokenBuckets(NEIGHBOUR_STALE, now, { floodAfter: 1 });
    const lane = (quota: Quota): FairQueue => new FairQueue({ ...quota, scheduler, random });
    this.#lanes = { chain: lane(LANES.chain), seen: lane(LANES.seen), unknown: lane(LANES.unknown) };
  }

  /**
   * Charges a message to the neighbour that passed it on. 'flood' is more than an honest peer can pass on.
   */
  charge(source: string, bytes: number, kind: AuthorClass | 'stale'): 'taken' | 'empty' | 'flood' {
    const work = costOf(bytes);
    if (kind === 'stale') {
      const outcome = this.#stale.take(source, work);
      if (outcome !== 'taken') return outcome;
    }
    const isStranger = kind === 'stale' || kind === 'unknown';
    const reserve = isStranger ? RESERVE : 0;
    const messages = this.#messages.take(source, 1, reserve * this.#neighbourQuota.burst);
    if (messages !== 'taken') return messages;
    const outcome = this.#bytes.take(source, bytes, reserve * NEIGHBOUR_BYTES.burst);
    if (outcome !== 'taken' || kind !== 'unknown') return outcome;
    // An author unknown here may be well known to an honest neighbour, so this is no flood.
    return this.#strangers.take(source, work) === 'taken' ? 'taken' : 'empty';
  }

  /** Notes that a message which a neighbour passed on was accepted. */
  welcome(source: string, bytes: number): void {
    this.#stale.give(source, costOf(bytes));
  }

  /** True when the message may be verified, at once or later. False when others come before it. */
  turn({ source, isOwn, authorClass, author, account, cost }: Arrival): boolean | Promise<boolean> {
    const lane = this.#lanes[LANE_OF[authorClass]];
    return authorClass === 'unknown'
      ? lane.turn({ group: this.#groupOf(source), member: isOwn ? `own ${source}` : source, source, cost })
      : lane.turn({ group: account, member: author, source, cost });
  }

  /** Drops all that waits of a neighbour, after it passed on what no honest peer does. */
  drop(source: string): void {
    for (const lane of Object.values(this.#lanes)) lane.drop(source);
  }

  stop(): void {
    for (const lane of Object.values(this.#lanes)) lane.stop();
  }
}
