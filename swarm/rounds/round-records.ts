import { peerIdOf } from '../../protocol/device-key.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import type { ClockReading, RoundClock } from '../../protocol/ledger.ts';
import { messageOf } from '../../protocol/message-of.ts';
import type { PeerJudgements, PeerRollouts, RolloutSet } from '../../protocol/trainer.ts';
import type { Content } from '../content/content.ts';
import { commitmentOf } from '../messages/commitment.ts';
import type { Message } from '../messages/envelope.ts';
import type { RejectReason } from '../messages/reject-reason.ts';
import { decodeRollouts, encodeRollouts } from '../messages/rollouts.ts';
import type { RoundSettings } from './round-settings.ts';

/** Rounds kept: the current one, its neighbours by clock skew, and the one still being trained. */
const MAX_ROUNDS = 4;
/** Authors kept in one round. Later ones are rejected. */
const MAX_AUTHORS = 256;
/** Rollout sets that are fetched at once. */
const MAX_FETCHES = 4;
/** Milliseconds before a round begins in which its commits are accepted, for clocks that run ahead. */
const CLOCK_SKEW_MS = 2_000;

interface RoundRecord {
  readonly commits: Map<DeviceAddress, Hex>;
  readonly rollouts: Map<DeviceAddress, PeerRollouts>;
  readonly critiques: Map<DeviceAddress, PeerJudgements>;
}

export interface RecordsOptions {
  readonly clock: RoundClock;
  readonly content: Pick<Content, 'fetchObject'>;
  readonly settings: RoundSettings;
  readonly reject: (reason: RejectReason, detail: string) => void;
  /** Called when revealed answers are complete and verified. */
  readonly onRollouts: (round: number, rollouts: PeerRollouts) => void;
  readonly signal: AbortSignal;
}

/** The messages of others in the rounds around now. Rejects those that break the rules of the stages. */
export class RoundRecords {
  readonly #options: RecordsOptions;
  readonly #rounds = new Map<number, RoundRecord>();
  #fetching = 0;

  constructor(options: RecordsOptions) {
    this.#options = options;
  }

  /** Revealed answers of others in a round, in no particular order. */
  rollouts(round: number): readonly PeerRollouts[] {
    return [...(this.#rounds.get(round)?.rollouts.values() ?? [])];
  }

  critiques(round: number): readonly PeerJudgements[] {
    return [...(this.#rounds.get(round)?.critiques.values() ?? [])];
  }

  commit(message: Message<'commit'>): void {
    const late = this.#whyLate(message.round, this.#options.clock.read());
    const { commits } = this.#record(message.round);
    if (late !== null) this.#options.reject('wrong-stage', late);
    else if (commits.size >= MAX_AUTHORS) this.#options.reject('overflow', 'too many authors in one round');
    else commits.set(message.author, message.body.digest);
  }

  reveal(message: Message<'reveal'>): void {
    const { round, author, body } = message;
    const record = this.#record(round);
    const mismatch = findMismatch(message, record);
    if (mismatch !== null) {
      this.#options.reject(mismatch.reason, mismatch.detail);
      return;
    }
    if (body.rollouts === null) void this.#fetch(message, record);
    else this.#keep(round, record, { author, cid: body.cid, set: body.rollouts });
  }

  /** Returns whether the critique was accepted. */
  critique(message: Message<'critique'>): boolean {
    const now = this.#options.clock.read();
    if (now.round === message.round && now.stage === 'answer') {
      this.#options.reject('wrong-stage', 'a critique during the answer stage');
      return false;
    }
    const { author, body } = message;
    const { critiques } = this.#record(message.round);
    if (critiques.size >= MAX_AUTHORS) {
      this.#options.reject('overflow', 'too many critics in one round');
      return false;
    }
    critiques.set(author, { critic: author, judgements: body.judgements });
    return true;
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

  async #fetch(message: Message<'reveal'>, record: RoundRecord): Promise<void> {
    const { round, author, body, from } = message;
    const { content, signal, reject } = this.#options;
    if (this.#fetching >= MAX_FETCHES) {
      reject('overflow', 'too many rollout sets to fetch at once');
      return;
    }
    this.#fetching++;
    try {
      const bytes = await content.fetchObject(body.cid, [peerIdOf(from)], { signal });
      const set = decodeRollouts(bytes);
      if (set.author === author) this.#keep(round, record, { author, cid: body.cid, set });
      else reject('unmatched-reveal', foreignSet(author, set));
    } catch (error) {
      if (signal.aborted) return;
      const cause = messageOf(error);
      reject('malformed', `the rollouts of ${author}: ${cause}`);
    } finally {
      this.#fetching--;
    }
  }

  #keep(round: number, record: RoundRecord, rollouts: PeerRollouts): void {
    record.rollouts.set(rollouts.author, rollouts);
    this.#options.onRollouts(round, rollouts);
  }

  #record(round: number): RoundRecord {
    let record = this.#rounds.get(round);
    if (record === undefined) {
      record = { commits: new Map(), rollouts: new Map(), critiques: new Map() };
      this.#rounds.set(round, record);
      const oldest = Math.min(...this.#rounds.keys());
      if (this.#rounds.size > MAX_ROUNDS) this.#rounds.delete(oldest);
    }
    return record;
  }
}

function foreignSet(author: DeviceAddress, set: RolloutSet): string {
  return `${author} reveals a set that names ${set.author} as its author`;
}

/** Why a reveal does not fit the commit before it. Null when it does. */
function findMismatch(
  { author, body }: Message<'reveal'>,
  record: RoundRecord,
): { readonly reason: RejectReason; readonly detail: string } | null {
  const reason = 'unmatched-reveal';
  const digest = record.commits.get(author);
  if (digest === undefined) return { reason, detail: `${author} reveals without a commit in time` };
  if (digest !== commitmentOf(body.salt, author, body.cid)) {
    return { reason, detail: `${author} reveals something else than it committed to` };
  }
  if (body.rollouts === null) return null;
  if (encodeRollouts(body.rollouts).cid !== body.cid) {
    return { reason, detail: `the answers of ${author} are not those of their CID` };
  }
  if (body.rollouts.author !== author) return { reason, detail: foreignSet(author, body.rollouts) };
  return null;
}
