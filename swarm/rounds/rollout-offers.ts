import type { DeviceAddress } from '../../protocol/hex.ts';
import { messageOf } from '../../protocol/message-of.ts';
import { type PeersPerRound, type SelectionPurpose, selectPeers } from '../../protocol/peer-selection.ts';
import type { Standing } from '../../protocol/standing.ts';
import type { PeerRollouts, RolloutSet } from '../../protocol/trainer.ts';
import type { Content } from '../content/content.ts';
import type { RejectReason } from '../messages/reject-reason.ts';
import { decodeRollouts, foreignSet } from '../messages/rollouts.ts';
import type { Scheduler } from '../scheduler.ts';
import { AuthorPlaces } from './author-places.ts';

export interface RolloutOffersOptions {
  readonly device: DeviceAddress;
  readonly content: Pick<Content, 'fetchObject'>;
  readonly peers: PeersPerRound;
  readonly standingOf: (device: DeviceAddress) => Standing;
  /** The secret rank of an author among those that have a place. */
  readonly placeRankOf: (author: DeviceAddress) => string;
  /** The secret that peers of the round are selected by. Undefined while the round's seed is unknown. */
  readonly secret: () => Uint8Array | undefined;
  readonly reject: (reason: RejectReason, detail: string) => void;
  readonly scheduler: Scheduler;
  readonly signal: AbortSignal;
}

/** A rollout set that its author has committed to and revealed. */
export interface RolloutOffer {
  readonly author: DeviceAddress;
  readonly cid: string;
  /** The author's peer id. */
  readonly source: string;
  /** Null when the set is too large for a reveal and has to be fetched. */
  readonly set: RolloutSet | null;
  /** Bytes of the set's encoding, 0 without a set. */
  readonly bytes: number;
}

type SetState =
  | { readonly kind: 'here'; readonly set: RolloutSet; readonly fetched: boolean }
  | { readonly kind: 'remote' }
  | { readonly kind: 'fetching' }
  | { readonly kind: 'failed' };

interface Entry {
  readonly author: DeviceAddress;
  readonly cid: string;
  readonly source: string;
  state: SetState;
}

/** Authors whose sets can be used in one round. */
const MAX_AUTHORS = 256;
/** Bytes of all sets of one round that came inside reveals. */
const MAX_BYTES = 4 * 1024 * 1024;
/** Bytes that an offer counts for besides its set. */
const OFFER_BYTES = 512;
/** Sets of devices with an owner or a record, and of strangers, that are fetched at once. */
const MAX_FETCHES = { trusted: 4, strangers: 2 };
/** The same for all sets that are asked for in one round, however many could not be had. */
const MAX_REQUESTS = { trusted: 32, strangers: 32 };
const FETCH_MS = 5_000;
/** Milliseconds during which reveals are gathered before sets are fetched. */
const GATHER_MS = 200;

/**
 * The rollout sets that others have revealed in one round. Small ones came with the reveal. Of the large ones
 * only those are fetched that the device selects, so at most as many as it uses.
 */
export class RolloutOffers {
  readonly #options: RolloutOffersOptions;
  readonly #entries: AuthorPlaces<Entry>;
  #cancelFetch: (() => void) | null = null;
  readonly #fetching = { trusted: 0, strangers: 0 };
  readonly #requests = { trusted: 0, strangers: 0 };

  constructor(options: RolloutOffersOptions) {
    this.#options = options;
    this.#entries = new AuthorPlaces({
      places: MAX_AUTHORS,
      bytes: MAX_BYTES,
      standingOf: options.standingOf,
      rankOf: options.placeRankOf,
    });
  }

  /** Whether the author has revealed the set of this CID, and the set is here. */
  has(author: DeviceAddress, cid: string): boolean {
    const entry = this.#entries.get(author);
    return entry?.cid === cid && entry.state.kind === 'here';
  }

  add({ author, cid, source, set, bytes }: RolloutOffer): void {
    const state: SetState = set === null ? { kind: 'remote' } : { kind: 'here', set, fetched: false };
    const without = this.#entries.set(author, { author, cid, source, state }, OFFER_BYTES + bytes);
    for (const other of without)
      this.#options.reject('overflow', `no place in the round for the answers of ${other}`);
    if (set === null && !without.includes(author)) this.#fetchSoon();
  }

  /** The selected peers whose sets are here, in the order of their selection. */
  selected(purpose: SelectionPurpose, secret: Uint8Array): readonly PeerRollouts[] {
    const here = this.#entries
      .values()
      .flatMap(({ author, cid, state }) => (state.kind === 'here' ? [{ author, cid, set: state.set }] : []));
    return this.#select(purpose, here, secret).map(({ author, cid, set }) => ({ author, cid, set }));
  }

  #select<T extends { readonly author: DeviceAddress }>(
    purpose: SelectionPurpose,
    offers: readonly T[],
    secret: Uint8Array,
  ): readonly T[] {
    const { device, peers, standingOf } = this.#options;
    const candidates = offers.map((offer) => ({ ...offer, standing: standingOf(offer.author) }));
    return selectPeers(candidates, { purpose, count: peers[purpose], device, secret });
  }

  /** Selects once for all reveals of a moment, because each selection takes milliseconds. */
  #fetchSoon(): void {
    const { scheduler, signal } = this.#options;
    if (this.#cancelFetch !== null || signal.aborted) return;
    const cancel = scheduler.after(GATHER_MS, () => {
      this.#cancelFetch = null;
      signal.removeEventListener('abort', cancel);
      this.#fetchSelected();
    });
    this.#cancelFetch = cancel;
    signal.addEventListener('abort', cancel, { once: true });
  }

  /**
   * Fetches those of the selected sets that are not here. One that cannot be had makes way for the next. A
   * fetched one that is no longer selected is dropped.
   */
  #fetchSelected(): void {
    const secret = this.#options.secret();
    if (secret === undefined || this.#options.signal.aborted) return;
    const possible = this.#entries
      .values()
      .filter(({ state }) => state.kind !== 'failed')
      .map((entry) => ({ author: entry.author, entry }));
    const selected = new Set(
      (['critique', 'train'] as const).flatMap((purpose) =>
        this.#select(purpose, possible, secret).map(({ entry }) => entry),
      ),
    );
    for (const { entry } of possible) {
      if (!selected.has(entry) && entry.state.kind === 'here' && entry.state.fetched)
        entry.state = { kind: 'remote' };
    }
    for (const entry of selected) {
      if (entry.state.kind !== 'remote') continue;
      const who = this.#options.standingOf(entry.author).kind === 'unknown' ? 'strangers' : 'trusted';
      if (this.#fetching[who] >= MAX_FETCHES[who] || this.#requests[who] >= MAX_REQUESTS[who]) continue;
      void this.#fetch(entry, who);
    }
  }

  async #fetch(entry: Entry, who: 'trusted' | 'strangers'): Promise<void> {
    const { content, signal, reject } = this.#options;
    const { author, cid, source } = entry;
    this.#fetching[who]++;
    this.#requests[who]++;
    entry.state = { kind: 'fetching' };
    try {
      const bytes = await content.fetchObject(cid, [source], { signal, deadlineMs: FETCH_MS });
      const set = decodeRollouts(bytes);
      const own = set.author === author;
      entry.state = own ? { kind: 'here', set, fetched: true } : { kind: 'failed' };
      if (!own) reject('unmatched-reveal', foreignSet(author, set.author));
    } catch (error) {
      entry.state = { kind: 'failed' };
      if (!signal.aborted) reject('malformed', `the rollouts of ${author}: ${messageOf(error)}`);
    } finally {
      this.#fetching[who]--;
      this.#fetchSelected();
    }
  }
}
