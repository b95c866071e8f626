import { peerIdOf } from '../../protocol/device-key.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import { fromHex, toHex } from '../../protocol/hex.ts';
import type { ClockReading, RoundClock } from '../../protocol/ledger.ts';
import type { SelectionPurpose } from '../../protocol/peer-selection.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { accountOf, type Standing } from '../../protocol/standing.ts';
import type { PeerJudgements, PeerRollouts, RoundContext } from '../../protocol/trainer.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { Content } from '../content/content.ts';
import { commitmentOf } from '../messages/commitment.ts';
import type { Message } from '../messages/envelope.ts';
import { LIMITS } from '../messages/limits.ts';
import type { RejectReason } from '../messages/reject-reason.ts';
import { encodeRollouts, foreignSet } from '../messages/rollouts.ts';
import type { Scheduler } from '../scheduler.ts';
import { AuthorPlaces } from './author-places.ts';
import { RolloutOffers } from './rollout-offers.ts';
import type { RoundSettings } from './round-settings.ts';

/** Rounds kept: the current one, its neighbours by clock skew, and the one still being trained. */
const MAX_ROUNDS = 4;
/** Authors whose commits are kept in one round. More than reveal, because a commit is small. */
const MAX_COMMITS = 1024;
/** Bytes that a commit counts for. */
const COMMIT_BYTES = 256;
/** Critics that are kept in one round, and bytes of all that they say. */
const MAX_CRITICS = 256;
const CRITIQUE_BYTES = 2 * 1024 * 1024;
/** Voters that are heard in one round. Only the page shows their votes. */
const MAX_VOTERS = 256;
/** Bytes that a judgement counts for besides its text. */
const JUDGEMENT_BYTES = 128;
/** Milliseconds before a round begins in which its commits are accepted, for clocks that run ahead. */
const CLOCK_SKEW_MS = 2_000;

interface RoundRecord {
  readonly commits: AuthorPlaces<Hex>;
  readonly offers: RolloutOffers;
  readonly critiques: AuthorPlaces<Omit<PeerJudgements, 'standing'>>;
  readonly voters: AuthorPlaces<DeviceAddress>;
  /** Authors that were selected for anything. */
  readonly used: Set<DeviceAddress>;
}

export interface RecordsOptions {
  /** The device that keeps the records. */
  readonly device: DeviceAddress;
  readonly clock: RoundClock;
  readonly content: Pick<Content, 'fetchObject'>;
  readonly settings: RoundSettings;
  /** What the chain says of a device now. */
  readonly standingOf: (device: DeviceAddress) => Standing;
  /** What peers of a round are selected by. Nobody else can know it. */
  readonly secretOf: (context: Pick<RoundContext, 'round' | 'seed'>) => Uint8Array;
  /** 32 random bytes that rank authors where places run out. */
  readonly placeSecret: Uint8Array;
  readonly reject: (reason: RejectReason, detail: string) => void;
  /** Called the first time that a peer is selected in a round. */
  readonly onSelected: (round: number, rollouts: PeerRollouts) => void;
  readonly scheduler: Scheduler;
  readonly signal: AbortSignal;
}

/** The messages of others in the rounds around now. Rejects those that break the rules of the stages. */
export class RoundRecords {
  readonly #options: RecordsOptions;
  readonly #rounds = new Map<number, RoundRecord>();
  readonly #secrets = new BoundedMap<number, Uint8Array>(MAX_ROUNDS);

  constructor(options: RecordsOptions) {
    this.#options = options;
  }

  /** Selects the peers that this device judges or trains on in a round, of those whose answers are here. */
  select(purpose: SelectionPurpose, context: RoundContext): readonly PeerRollouts[] {
    const record = this.#rounds.get(context.round);
    if (record === undefined) return [];
    const selected = record.offers.selected(purpose, this.#secretOf(context));
    for (const peer of selected) {
      if (record.used.has(peer.author)) continue;
      record.used.add(peer.author);
      this.#options.onSelected(context.round, peer);
    }
    return selected;
  }

  /**
   * Judgements by others, each with the standing of its critic. Without those of answers by the critic's own
   * account.
   */
  critiques(round: number): readonly PeerJudgements[] {
    const { standingOf } = this.#options;
    const account = (device: DeviceAddress): string => accountOf(device, standingOf(device));
    return (this.#rounds.get(round)?.critiques.values() ?? []).map(({ critic, judgements }) => ({
      critic,
      standing: standingOf(critic),
      judgements: judgements.filter(({ author }) => account(author) !== account(critic)),
    }));
  }

  /** Whether the author has revealed the rollout set of this CID in the round, and the set is here. */
  hasRevealed(round: number, author: DeviceAddress, cid: string): boolean {
    return this.#rounds.get(round)?.offers.has(author, cid) ?? false;
  }

  /** The secret rank of an author where places of a round run out. */
  placeRankOf(round: number, author: DeviceAddress): string {
    const { placeSecret } = this.#options;
    return toHex(sha256Of(placeSecret, new TextEncoder().encode(`${round}\n`), fromHex(author)));
  }

  commit({ round, author, body }: Message<'commit'>): void {
    const late = this.#whyLate(round, this.#options.clock.read());
    if (late !== null) this.#options.reject('wrong-stage', late);
    else this.#place('commit', this.#record(round).commits.set(author, body.digest, COMMIT_BYTES));
  }

  /** Returns whether the author contradicts what it committed to. */
  reveal(message: Message<'reveal'>): boolean {
    const { round, author, body, from } = message;
    const early = this.#whyEarly(round, this.#options.clock.read());
    if (early !== null) {
      this.#options.reject('wrong-stage', early);
      return false;
    }
    const { commits, offers } = this.#record(round);
    const digest = commits.get(author);
    const read = readReveal(message, digest);
    if (read.kind === 'mismatch') {
      this.#options.reject(read.reason, read.detail);
      return digest !== undefined;
    }
    offers.add({ author, cid: body.cid, source: peerIdOf(from), set: body.rollouts, bytes: read.bytes });
    return false;
  }

  /** Returns whether the critique was accepted. */
  critique(message: Message<'critique'>): boolean {
    const now = this.#options.clock.read();
    if (message.round > now.round || (message.round === now.round && now.stage === 'answer')) {
      this.#options.reject('wrong-stage', 'a critique before its round’s critique stage');
      return false;
    }
    const { author, body, round } = message;
    const { judgements } = body;
    const bytes = judgements.reduce((sum, { text }) => sum + JUDGEMENT_BYTES + 2 * text.length, 0);
    const without = this.#record(round).critiques.set(author, { critic: author, judgements }, bytes);
    this.#place('critique', without);
    return !without.includes(author);
  }

  /** Returns whether the vote is one of those that are heard in its round. */
  vote({ round, author }: Message<'vote'>): boolean {
    const without = this.#record(round).voters.set(author, author, 1);
    this.#place('vote', without);
    return !without.includes(author);
  }

  #place(what: string, without: readonly DeviceAddress[]): void {
    for (const author of without)
      this.#options.reject('overflow', `no place in the round for the ${what} of ${author}`);
  }

  #whyLate(round: number, now: ClockReading): string | null {
    const { revealAt, commitGrace } = this.#options.settings;
    if (round !== now.round) {
      return now.stage === 'vote' && now.untilStageEnd <= CLOCK_SKEW_MS
        ? null
        : `a commit of round ${round} in round ${now.round}`;
    }
    if (now.stage !== 'answer') return `a commit in the ${now.stage} stage`;
    const reveal = revealAt * (now.sinceStageStart + now.untilStageEnd);
    return now.sinceStageStart <= reveal + commitGrace ? null : 'a commit after the first reveals';
  }

  /**
   * An honest device reveals `commitGrace` after the reveal time of its own clock, so that this much skew
   * does no harm.
   */
  #whyEarly(round: number, now: ClockReading): string | null {
    if (round > now.round) return `a reveal of round ${round} in round ${now.round}`;
    if (round < now.round || now.stage !== 'answer') return null;
    const reveal = this.#options.settings.revealAt * (now.sinceStageStart + now.untilStageEnd);
    return now.sinceStageStart >= reveal ? null : 'a reveal while others can still commit';
  }

  #secretOf(context: Pick<RoundContext, 'round' | 'seed'>): Uint8Array {
    const secret = this.#secrets.get(context.round) ?? this.#options.secretOf(context);
    this.#secrets.set(context.round, secret);
    return secret;
  }

  #record(round: number): RoundRecord {
    const known = this.#rounds.get(round);
    if (known !== undefined) return known;
    const { device, clock, content, settings, standingOf, reject, scheduler, signal } = this.#options;
    const rankOf = (author: DeviceAddress): string => this.placeRankOf(round, author);
    const bounds = { standingOf, rankOf };
    const record: RoundRecord = {
      commits: new AuthorPlaces({ places: MAX_COMMITS, bytes: MAX_COMMITS * COMMIT_BYTES, ...bounds }),
      offers: new RolloutOffers({
        device,
        content,
        peers: { ...settings.peers, train: Math.min(settings.peers.train, LIMITS.foreign) },
        standingOf,
        placeRankOf: rankOf,
        secret: () => {
          const now = clock.read();
          return now.round === round ? this.#secretOf(now) : this.#secrets.get(round);
        },
        reject,
        scheduler,
        signal,
      }),
      critiques: new AuthorPlaces({ places: MAX_CRITICS, bytes: CRITIQUE_BYTES, ...bounds }),
      voters: new AuthorPlaces({ places: MAX_VOTERS, bytes: MAX_VOTERS, ...bounds }),
      used: new Set(),
    };
    this.#rounds.set(round, record);
    if (this.#rounds.size > MAX_ROUNDS) this.#rounds.delete(Math.min(...this.#rounds.keys()));
    return record;
  }
}

type ReadReveal =
  | { readonly kind: 'matching'; readonly bytes: number }
  | { readonly kind: 'mismatch'; readonly reason: RejectReason; readonly detail: string };

/** Whether a reveal fits the commit before it, and how many bytes its set has. */
function readReveal({ author, body }: Message<'reveal'>, digest: Hex | undefined): ReadReveal {
  const mismatch = (detail: string, reason: RejectReason = 'unmatched-reveal'): ReadReveal => ({
    kind: 'mismatch',
    reason,
    detail,
  });
  if (digest === undefined) return mismatch(`${author} reveals without a commit in time`);
  if (digest !== commitmentOf(body.salt, author, body.cid))
    return mismatch(`${author} reveals something else than it committed to`);
  if (body.rollouts === null) return { kind: 'matching', bytes: 0 };
  if (body.rollouts.author !== author) return mismatch(foreignSet(author, body.rollouts.author));
  const { bytes, cid } = encodeRollouts(body.rollouts);
  if (cid !== body.cid) return mismatch(`the answers of ${author} are not those of their CID`);
  if (bytes.length > LIMITS.inlineRollouts)
    return mismatch(`the answers of ${author} are too large for a reveal`, 'oversized');
  return { kind: 'matching', bytes: bytes.length };
}
