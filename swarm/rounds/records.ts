import { peerIdOf } from '../../protocol/device-key.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import type { ClockReading, RoundClock } from '../../protocol/ledger.ts';
import type { PeerJudgements, PeerRollouts } from '../../protocol/trainer.ts';
import type { Content } from '../content/content.ts';
import { commitmentOf } from '../messages/commitment.ts';
import type { Message } from '../messages/envelope.ts';
import type { Refusal } from '../messages/refusal.ts';
import { decodeRollouts, encodeRollouts } from '../messages/rollouts.ts';
import type { RoundSettings } from './settings.ts';

/** Rounds kept: the current one, its neighbours by clock skew, and the one still being trained. */
const ROUNDS = 4;
/** Authors kept in one round; later ones are not taken. */
const AUTHORS = 256;
/** Rollout sets being fetched at once. */
const FETCHES = 4;
/** A commit of the next round is taken this long before it begins, for clocks that run ahead; milliseconds. */
const SKEW = 2_000;

interface RoundRecord {
  readonly commits: Map<DeviceAddress, Hex>;
  readonly rollouts: Map<DeviceAddress, PeerRollouts>;
  readonly claimed: Map<string, DeviceAddress>;
  readonly critiques: Map<DeviceAddress, PeerJudgements>;
}

export interface RecordsOptions {
  readonly clock: RoundClock;
  readonly content: Pick<Content, 'fetchObject'>;
  readonly settings: RoundSettings;
  readonly refuse: (reason: Refusal, detail: string) => void;
  readonly onRollouts: (round: number, rollouts: PeerRollouts) => void;
  readonly signal: AbortSignal;
}

/** What others have said in the rounds around now, under the rules of the stages. */
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
    const late = this.#commitIsLate(message.round, this.#options.clock.read());
    const { commits } = this.#record(message.round);
    if (late !== null) this.#options.refuse('wrong-stage', late);
    else if (commits.size >= AUTHORS) this.#options.refuse('overflow', 'too many authors in one round');
    else commits.set(message.author, message.body.digest);
  }

  reveal(message: Message<'reveal'>): void {
    const { round, author, body } = message;
    const record = this.#record(round);
    const refusal = mismatch(message, record);
    if (refusal !== null) {
      this.#options.refuse(refusal.reason, refusal.detail);
      return;
    }
    record.claimed.set(body.cid, author);
    if (body.rollouts === null) void this.#fetch(message, record);
    else this.#take(round, record, { author, cid: body.cid, set: body.rollouts });
  }

  /** Returns whether the critique was taken. */
  critique(message: Message<'critique'>): boolean {
    const now = this.#options.clock.read();
    if (now.round === message.round && now.stage === 'answer') {
      this.#options.refuse('wrong-stage', 'a critique during the answer stage');
      return false;
    }
    const { author, body } = message;
    const { critiques } = this.#record(message.round);
    if (critiques.size >= AUTHORS) {
      this.#options.refuse('overflow', 'too many critics in one round');
      return false;
    }
    critiques.set(author, { critic: author, judgements: body.judgements });
    return true;
  }

  #commitIsLate(round: number, now: ClockReading): string | null {
    const { revealAt, commitGrace } = this.#options.settings;
    if (round !== now.round) {
      return now.stage === 'vote' && now.untilStageEnd <= SKEW
        ? null
        : `a commit of round ${round} in round ${now.round}`;
    }
    if (now.stage !== 'answer') return `a commit in the ${now.stage} stage`;
    const reveal = revealAt * (now.sinceStageStart + now.untilStageEnd);
    return now.sinceStageStart <= reveal + commitGrace ? null : 'a commit after the first reveals';
  }

  async #fetch(message: Message<'reveal'>, record: RoundRecord): Promise<void> {
    const { round, author, body, from } = message;
    const { content, signal, refuse } = this.#options;
    if (this.#fetching >= FETCHES) {
      refuse('overflow', 'too many rollout sets to fetch at once');
      return;
    }
    this.#fetching++;
    try {
      const bytes = await content.fetchObject(body.cid, [peerIdOf(from)], { signal });
      this.#take(round, record, { author, cid: body.cid, set: decodeRollouts(bytes) });
    } catch (error) {
      if (!signal.aborted)
        refuse(
          'malformed',
          `the rollouts of ${author}: ${error instanceof Error ? error.message : 'unreadable'}`,
        );
    } finally {
      this.#fetching--;
    }
  }

  #take(round: number, record: RoundRecord, rollouts: PeerRollouts): void {
    record.rollouts.set(rollouts.author, rollouts);
    this.#options.onRollouts(round, rollouts);
  }

  #record(round: number): RoundRecord {
    let record = this.#rounds.get(round);
    if (record === undefined) {
      record = { commits: new Map(), rollouts: new Map(), claimed: new Map(), critiques: new Map() };
      this.#rounds.set(round, record);
      const oldest = Math.min(...this.#rounds.keys());
      if (this.#rounds.size > ROUNDS) this.#rounds.delete(oldest);
    }
    return record;
  }
}

/** Why a reveal does not belong to the commit before it, or null. */
function mismatch(
  { author, body }: Message<'reveal'>,
  record: RoundRecord,
): { readonly reason: Refusal; readonly detail: string } | null {
  const reason = 'unmatched-reveal';
  const digest = record.commits.get(author);
  if (digest === undefined) return { reason, detail: `${author} reveals without a commit in time` };
  if (digest !== commitmentOf(body.salt, author, body.cid)) {
    return { reason, detail: `${author} reveals something else than it committed to` };
  }
  const other = record.claimed.get(body.cid);
  if (other !== undefined && other !== author) {
    return { reason: 'copied', detail: `${author} reveals the answers of ${other}` };
  }
  if (body.rollouts !== null && encodeRollouts(body.rollouts).cid !== body.cid) {
    return { reason, detail: `the answers of ${author} are not those of their CID` };
  }
  return null;
}
