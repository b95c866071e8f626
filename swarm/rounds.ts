import type { ConformanceReport } from '../protocol/conformance-report.ts';
import type { DeviceKey } from '../protocol/device-key.ts';
import type { ClockReading, Ledger, Signed, Vote } from '../protocol/ledger.ts';
import type { RoundContext, Trainer } from '../protocol/trainer.ts';
import type { Content } from './content/content.ts';
import type { Gossip } from './gossip.ts';
import { Acknowledgements } from './rounds/acknowledgements.ts';
import type { DriverState, RoundEvent } from './rounds/events.ts';
import { type AttestationSeen, hear } from './rounds/hearing.ts';
import { type RoundParts, waitFor } from './rounds/parts.ts';
import { playRound } from './rounds/play.ts';
import { RoundRecords } from './rounds/records.ts';
import { ROUND_SETTINGS, type RoundSettings } from './rounds/settings.ts';
import { every, type Scheduler, systemScheduler, wait } from './scheduler.ts';

export interface RoundDriverOptions {
  readonly trainer: Trainer;
  readonly ledger: Ledger;
  readonly gossip: Gossip;
  readonly content: Pick<Content, 'publishObject' | 'publishFile' | 'fetchObject'>;
  readonly deviceKey: DeviceKey;
  /** What computes, for the record. */
  readonly engine: string;
  /** The gate's verdict on the engine in use; told with each round. */
  readonly conformance: () => ConformanceReport;
  readonly scheduler?: Scheduler;
  readonly randomBytes?: (count: number) => Uint8Array;
  readonly settings?: Partial<RoundSettings>;
}

/**
 * Takes a device through the rounds: follows the clock, does each stage's work, and never waits for anybody. What
 * others say is recorded even while the device trains, pauses or sits out.
 */
export class RoundDriver {
  readonly #options: RoundDriverOptions;
  readonly #scheduler: Scheduler;
  readonly #settings: RoundSettings;
  readonly #listeners = new Set<(event: RoundEvent) => void>();
  readonly #attestListeners = new Set<(seen: AttestationSeen) => void>();
  readonly #voteListeners = new Set<(signed: Signed<Vote>) => void>();
  #state: DriverState = 'stopped';
  #sentence = 'Stopped.';
  #round: number | null = null;
  #session: Session | null = null;

  constructor(options: RoundDriverOptions) {
    this.#options = options;
    this.#scheduler = options.scheduler ?? systemScheduler;
    this.#settings = { ...ROUND_SETTINGS, ...options.settings };
  }

  get state(): DriverState {
    return this.#state;
  }

  /** The sentence last told by a 'status' event. */
  get sentence(): string {
    return this.#sentence;
  }

  on(listener: (event: RoundEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Own and others' attestations, each verified, as they come. For the submitter and the archive. */
  onAttest(listener: (seen: AttestationSeen) => void): () => void {
    this.#attestListeners.add(listener);
    return () => this.#attestListeners.delete(listener);
  }

  /** Others' signed votes, verified, as they come, and own ones. */
  onVote(listener: (signed: Signed<Vote>) => void): () => void {
    this.#voteListeners.add(listener);
    return () => this.#voteListeners.delete(listener);
  }

  /** Begins with the current round if its answers can still be made, else with the next. Does nothing when started. */
  start(): void {
    if (this.#session !== null) return;
    const session = this.#open();
    this.#session = session;
    session.done = this.#loop(session);
  }

  /** Stops working at once; what is stored stays. The present round is given up. */
  pause(cause = 'Paused by you.'): void {
    const session = this.#session;
    if (session === null || session.paused !== null || session.finishing) return;
    session.paused = cause;
    this.#say('pausing', cause);
    session.work.abort(new DOMException(cause, 'AbortError'));
  }

  /** Goes on after a pause, from the next round. */
  resume(): void {
    const session = this.#session;
    if (session === null || session.paused === null) return;
    session.paused = null;
    session.failures = 0;
    session.work = new AbortController();
    session.wake();
  }

  /** Ends the present round, sends its attestation, then stops. Resolves when stopped. */
  async finishThenStop(): Promise<void> {
    const session = this.#session;
    if (session === null) return;
    session.finishing = true;
    if (session.paused !== null || this.#state === 'waiting') return this.stop();
    this.#say('finishing', 'Finishing this round, then stopping.');
    await session.done;
    await this.#heard(session);
    await this.stop();
  }

  /** Stops now. Resolves when no work is left. */
  async stop(): Promise<void> {
    const session = this.#session;
    if (session === null) return;
    if (!session.ended.signal.aborted) {
      this.#say('stopping', 'Stopping.');
      session.ended.abort(new DOMException('Stopped.', 'AbortError'));
      session.work.abort(session.ended.signal.reason);
      session.wake();
    }
    await session.done;
    if (this.#session !== session) return;
    session.close();
    this.#session = null;
    this.#round = null;
    this.#say('stopped', 'Stopped.');
  }

  /** Others gather their acks for a second; a device that left before they came would not know that its last round was kept. */
  async #heard({ parts, ended, made }: Session): Promise<void> {
    const { scheduler, settings, acknowledgements } = parts;
    const until = scheduler.now() + settings.ackGrace;
    while (made !== null && !acknowledgements.accepted(made) && scheduler.now() < until) {
      if (ended.signal.aborted) return;
      await wait(scheduler, 100, ended.signal).catch(() => undefined);
    }
  }

  #open(): Session {
    const { gossip, ledger, content, deviceKey } = this.#options;
    const ended = new AbortController();
    const emit = (event: RoundEvent): void => this.#emit(event);
    const acknowledgements = new Acknowledgements({
      gossip,
      device: deviceKey.address,
      scheduler: this.#scheduler,
      round: () => ledger.clock.read().round,
      onAccepted: (round, checkpointRoot, peers) => emit({ kind: 'accepted', round, checkpointRoot, peers }),
    });
    const records = new RoundRecords({
      clock: ledger.clock,
      content,
      settings: this.#settings,
      refuse: (reason, detail) => gossip.refuse(reason, detail),
      onRollouts: (round, { author, cid, set }) =>
        emit({ kind: 'answers', round, author, own: false, cid, set }),
      signal: ended.signal,
    });
    const hearing = {
      gossip,
      records,
      acknowledgements,
      emit,
      attested: (seen: AttestationSeen) => this.#attested(seen),
      voted: (signed: Signed<Vote>) => this.#voted(signed),
    };
    const offMessages = gossip.listen((message) => hear(message, hearing));
    let lastStage = '';
    const offClock = every(this.#scheduler, 200, () => {
      const { round, stage, untilStageEnd } = ledger.clock.read();
      if (lastStage === `${round} ${stage}`) return;
      lastStage = `${round} ${stage}`;
      emit({ kind: 'stage', round, stage, untilStageEnd });
    });
    const parts: RoundParts = {
      trainer: this.#options.trainer,
      ledger,
      gossip,
      content,
      deviceKey,
      scheduler: this.#scheduler,
      randomBytes: this.#options.randomBytes ?? ((count) => crypto.getRandomValues(new Uint8Array(count))),
      engine: this.#options.engine,
      conformance: this.#options.conformance,
      settings: this.#settings,
      records,
      acknowledgements,
      emit,
      status: (sentence) => this.#say(this.#session?.finishing === true ? 'finishing' : 'working', sentence),
    };
    return {
      parts,
      ended,
      work: new AbortController(),
      paused: null,
      finishing: false,
      failures: 0,
      made: null,
      wake: () => {},
      done: Promise.resolve(),
      close: () => {
        offMessages();
        offClock();
        acknowledgements.stop();
      },
    };
  }

  async #loop(session: Session): Promise<void> {
    const { ended, parts } = session;
    let last = -1;
    while (!ended.signal.aborted && !session.finishing) {
      try {
        if (session.paused !== null) {
          this.#say('paused', session.paused);
          await new Promise<void>((resolve) => {
            session.wake = resolve;
          });
          continue;
        }
        const context = await this.#nextRound(session, last);
        if (session.finishing) return;
        last = context.round;
        this.#round = context.round;
        const made = await playRound(parts, context, session.work.signal, (signed) => this.#voted(signed));
        session.made = made.signed.value.round;
        this.#attested({ ...made, own: true, publicKey: this.#options.deviceKey.publicKey });
        session.failures = 0;
      } catch (error) {
        if (ended.signal.aborted || session.work.signal.aborted) continue;
        this.#fail(session, last, error);
      }
    }
  }

  /** Waits for a round other than the last whose answers can still be made in time. */
  async #nextRound(session: Session, last: number): Promise<RoundContext> {
    const { ledger, deviceKey } = this.#options;
    const inTime = this.#settings.joinBefore;
    const first = ledger.clock.read();
    const joinable = (now: ClockReading): boolean =>
      now.round > last &&
      now.stage === 'answer' &&
      now.sinceStageStart <= inTime * (now.sinceStageStart + now.untilStageEnd);
    if (!joinable(first)) {
      this.#round = null;
      const why = last === first.round ? 'is done here' : 'is under way';
      this.#say('waiting', `Waiting for round ${first.round + 1}; round ${first.round} ${why}.`);
    }
    const { round, seed } = await waitFor(session.parts, joinable, session.work.signal);
    return { round, seed, device: deviceKey.address };
  }

  #fail(session: Session, round: number, error: unknown): void {
    session.failures++;
    const cause = error instanceof Error ? error.message : String(error);
    this.#emit({ kind: 'failed', round, cause, inARow: session.failures });
    if (session.failures < this.#settings.failures) {
      this.#say('waiting', `Round ${round} failed: ${cause} Trying again in the next.`);
      return;
    }
    session.paused = `Paused after ${session.failures} failures in a row: ${cause}`;
    session.work.abort(new DOMException(session.paused, 'AbortError'));
  }

  #attested(seen: AttestationSeen): void {
    for (const listener of this.#attestListeners) listener(seen);
  }

  #voted(signed: Signed<Vote>): void {
    for (const listener of this.#voteListeners) listener(signed);
  }

  #emit(event: RoundEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #say(state: DriverState, sentence: string): void {
    this.#state = state;
    this.#sentence = sentence;
    this.#emit({ kind: 'status', state, sentence, round: this.#round });
  }
}

/** One start() to stop(). */
interface Session {
  readonly parts: RoundParts;
  readonly ended: AbortController;
  /** Aborted by a pause and made anew by resume. */
  work: AbortController;
  paused: string | null;
  finishing: boolean;
  failures: number;
  /** The last round attested. */
  made: number | null;
  /** Ends the wait of a pause. */
  wake: () => void;
  done: Promise<void>;
  readonly close: () => void;
}
