import { peerIdOf } from '../../protocol/device-key.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import type { Standing } from '../../protocol/standing.ts';
import type { Content } from '../content/content.ts';
import type { Message } from '../messages/envelope.ts';
import type { RejectReason } from '../messages/reject-reason.ts';
import { decodeRollouts } from '../messages/rollouts.ts';
import { AuthorPlaces } from './author-places.ts';

export interface AttestationChecksOptions {
  readonly content: Pick<Content, 'fetchObject'>;
  /** Current round by chain time. */
  readonly round: () => number;
  readonly standingOf: (device: DeviceAddress) => Standing;
  /** The secret rank of an author among those that wait. */
  readonly placeRankOf: (author: DeviceAddress) => string;
  /** Whether the author has revealed the rollout set of this CID in the round, and the set is here. */
  readonly hasRevealed: (round: number, author: DeviceAddress, cid: string) => boolean;
  readonly reject: (reason: RejectReason, detail: string) => void;
  /** Called for an attestation whose rollout set is there and is its author's own. */
  readonly onChecked: (message: Message<'attest'>) => void;
  readonly signal: AbortSignal;
}

const MAX_WAITING = 64;
const MAX_WAITING_BYTES = 256 * 1024;
/** Bytes that an attestation counts for besides the sets that it names, and for each of those. */
const ATTESTATION_BYTES = 1024;
const CID_BYTES = 64;
/** Sets that are fetched at once, of which one may be a stranger's. */
const MAX_FETCHES = 2;
const FETCH_MS = 5_000;
/** Sets that are fetched for unknown devices, and for all others, in one round, each of at most 1 MiB. */
const EACH_ROUND = { strangers: 8, others: 64 };

/**
 * Finds out whether an attestation can be acknowledged: its rollout set was revealed here, or can be had from
 * its author, and names the author. The signatures were verified before. Whether a checkpoint has the
 * attested root is for archives and replays.
 */
export class AttestationChecks {
  readonly #options: AttestationChecksOptions;
  readonly #waiting: AuthorPlaces<Message<'attest'>>;
  readonly #fetching = { strangers: 0, others: 0 };
  #round = -1;
  #fetched = { strangers: 0, others: 0 };

  constructor(options: AttestationChecksOptions) {
    this.#options = options;
    const { standingOf, placeRankOf: rankOf } = options;
    this.#waiting = new AuthorPlaces({ places: MAX_WAITING, bytes: MAX_WAITING_BYTES, standingOf, rankOf });
  }

  check(message: Message<'attest'>): void {
    const { round, author, body } = message;
    if (this.#options.hasRevealed(round, author, body.rollouts)) {
      this.#options.onChecked(message);
      return;
    }
    this.#waiting.set(author, message, ATTESTATION_BYTES + CID_BYTES * body.foreign.length);
    this.#next();
  }

  #next(): void {
    while (!this.#options.signal.aborted) {
      const { strangers, others } = this.#fetching;
      if (strangers + others >= MAX_FETCHES) return;
      const message = this.#waiting.takeFirst(strangers === 0 ? undefined : ['bound', 'known']);
      if (message === undefined) return;
      const who = this.#options.standingOf(message.author).kind === 'unknown' ? 'strangers' : 'others';
      if (this.#mayFetch(who)) void this.#fetch(message, who);
    }
  }

  #mayFetch(who: 'strangers' | 'others'): boolean {
    const round = this.#options.round();
    if (round !== this.#round) {
      this.#round = round;
      this.#fetched = { strangers: 0, others: 0 };
    }
    return ++this.#fetched[who] <= EACH_ROUND[who];
  }

  async #fetch(message: Message<'attest'>, who: 'strangers' | 'others'): Promise<void> {
    const { content, signal, reject, onChecked } = this.#options;
    const { author, body, from } = message;
    this.#fetching[who]++;
    try {
      const limits = { signal, deadlineMs: FETCH_MS };
      const set = decodeRollouts(await content.fetchObject(body.rollouts, [peerIdOf(from)], limits));
      if (signal.aborted) return;
      if (set.author === author) onChecked(message);
      else reject('malformed', `${author} attests rollouts that name ${set.author} as their author`);
    } catch {
      // What cannot be had is not acknowledged. Others may have it.
    } finally {
      this.#fetching[who]--;
      this.#next();
    }
  }
}
