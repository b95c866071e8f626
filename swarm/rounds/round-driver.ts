import type { ConformanceReport } from '../../protocol/conformance-report.ts';
import type { DeviceKey } from '../../protocol/device-key.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import type { ClockReading, Ledger } from '../../protocol/ledger.ts';
import { messageOf } from '../../protocol/message-of.ts';
import { selectionSecret } from '../../protocol/peer-selection.ts';
import type { Standing } from '../../protocol/standing.ts';
import type { RoundContext, Trainer } from '../../protocol/trainer.ts';
import type { Content } from '../content/content.ts';
import type { Gossip } from '../gossip.ts';
import type { RejectReason } from '../messages/reject-reason.ts';
import { every, type Scheduler, systemScheduler, wait } from '../scheduler.ts';
import type { Standings } from '../standings.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { attestationChecks } from './attestation-checks.ts';
import { AttestationOutbox, type AttestationStore } from './attestation-outbox.ts';
import type { PublishCheckpoint } from './checkpoint-publisher.ts';
import type { RoundDependencies } from './dependencies.ts';
import type { DriverState, RoundEvent } from './events.ts';
import { handleMessage } from './message-handlers.ts';
import { RoundRecords } from './round-records.ts';
import { ROUND_SETTINGS, type RoundSettings } from './round-settings.ts';
import { runRound } from './run-round.ts';
import { waitFor } from './stage-clock.ts';
import { timedTrainer } from './timed-trainer.ts';

export interface RoundDriverOptions {
  readonly trainer: Trainer;
  readonly ledger: Ledger;
  readonly gossip: Gossip;
  readonly content: Pick<Content, 'publishObject' | 'publishFile' | 'fetchObject'>;
  /** Names and serves a round's checkpoint. Defaults to publishing its file in `content`. */
  readonly publishCheckpoint?: PublishCheckpoint;
  /** Keeps attestations that nobody has acknowledged yet. Defaults to the process's memory. */
  readonly attestations?: AttestationStore;
  readonly deviceKey: DeviceKey;
  /** What the chain says of other devices. */
  readonly standings: Pick<Standings, 'now'>;
  /** Description of the engine, for the record. */
  readonly engine: string;
  /** The conformance result of the engine in use. Attested with each round. */
  readonly conformance: () => ConformanceReport;
  readonly scheduler?: Scheduler;
  readonly randomBytes?: (count: number) => Uint8Array;
  readonly settings?: Partial<RoundSettings>;
}

/**
 * Takes a device through the rounds: follows the clock, does the work of each stage, and never waits for
 * another peer. Records the messages of others even while the device trains, pauses or sits out.
 */
export class RoundDriver {
  readonly #options: RoundDriverOptions;
  readonly #scheduler: Scheduler;
  readonly #settings: RoundSettings;
  readonly #listeners = new Set<(event: RoundEvent) => void>();
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

  /** The sentence of the last 'status' event. */
  get sentence(): string {
    return this.#sentence;
  }

  on(listener: (event: RoundEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Starts with the current round if there is time left to answer it, otherwise with the next one. Does
   * nothing when already started.
   */
  start(): void {
    if (this.#session !== null) return;
    const session = this.#open();
    this.#session = session;
    session.done = this.#loop(session);
  }

  /** Stops working at once and gives the current round up. What is stored stays. */
  pause(cause = 'Paused by you.'): void {
    const session = this.#session;
    if (session === null || session.paused !== null || session.finishing) return;
    session.paused = cause;
    this.#setStatus('pausing', cause);
    session.work.abort(new DOMException(cause, 'AbortError'));
  }

  /** Goes on after a pause, with the next round. */
  resume(): void {
    const session = this.#session;
    if (session === null || session.paused === null) return;
    session.paused = null;
    session.failures = 0;
    session.work = new AbortController();
    session.wake();
  }

  /** Finishes the current round, publishes its attestation, then stops. Resolves when stopped. */
  async finishThenStop(): Promise<void> {
    const session = this.#session;
    if (session === null) return;
    session.finishing = true;
    if (session.paused !== null || this.#state === 'waiting') return this.stop();
    this.#setStatus('finishing', 'Finishing this round, then stopping.');
    await session.done;
    await this.#waitForAck(session);
    await this.stop();
  }

  /** Stops now. Resolves when no work is left. */
  async stop(): Promise<void> {
    const session = this.#session;
    if (session === null) return;
    if (!session.ended.signal.aborted) {
      this.#setStatus('stopping', 'Stopping.');
      session.ended.abort(new DOMException('Stopped.', 'AbortError'));
      session.work.abort(session.ended.signal.reason);
      session.wake();
    }
    await session.done;
    if (this.#session !== session) return;
    session.close();
    this.#session = null;
    this.#round = null;
    this.#setStatus('stopped', 'Stopped.');
  }

  /**
   * Waits for the first ack of the last attestation. Peers gather acks for a second, so a device that left at
   * once would not learn that its last round was kept.
   */
  async #waitForAck({ dependencies, ended, attested }: Session): Promise<void> {
    const { scheduler, settings, acknowledgements } = dependencies;
    const until = scheduler.now() + settings.ackGrace;
    while (attested !== null && !acknowledgements.accepted(attested) && scheduler.now() < until) {
      if (ended.signal.aborted) return;
      await wait(scheduler, 100, ended.signal).catch(() => undefined);
    }
  }

  #open(): Session {
    const { gossip, ledger, content, deviceKey, standings } = this.#options;
    const publishCheckpoint =
      this.#options.publishCheckpoint ??
      (({ file }: { readonly file: Uint8Array }) => content.publishFile(file));
    const ended = new AbortController();
    const emit = (event: RoundEvent): void => this.#emit(event);
    const round = (): number => ledger.clock.read().round;
    const standingOf = (device: DeviceAddress): Standing => standings.now(device);
    const randomBytes =
      this.#options.randomBytes ?? ((count: number) => crypto.getRandomValues(new Uint8Array(count)));
    // Without cohorts nobody counts the members, and this device checks every attestation.
    const members = (): number => gossip.cohorts?.size ?? 1;
    const reject = (reason: RejectReason, detail: string): void => gossip.reject(reason, detail);
    const acknowledgements = new Acknowledgements({
      gossip,
      device: deviceKey.address,
      members,
      scheduler: this.#scheduler,
      round,
      standingOf,
      onAccepted: (round, checkpointRoot, by) => emit({ kind: 'accepted', round, checkpointRoot, ...by }),
    });
    const outbox = new AttestationOutbox({
      gossip,
      content,
      acknowledgements,
      scheduler: this.#scheduler,
      round,
      store: this.#options.attestations,
    });
    void outbox.open();
    const records = new RoundRecords({
      device: deviceKey.address,
      clock: ledger.clock,
      content,
      settings: this.#settings,
      standingOf,
      secretOf: (context) => selectionSecret(deviceKey, gossip.networkId, context),
      placeSecret: randomBytes(32),
      reject,
      scheduler: this.#scheduler,
      onSelected: (round, { author, cid, set }) =>
        emit({ kind: 'answers', round, author, own: false, cid, set }),
      signal: ended.signal,
    });
    const checks = attestationChecks({
      device: deviceKey.address,
      members,
      content,
      round,
      standingOf,
      placeRankOf: (author) => records.placeRankOf(round(), author),
      hasRevealed: (round, author, cid) => records.hasRevealed(round, author, cid),
      reject,
      onChecked: (message) => acknowledgements.acknowledge(message),
      scheduler: this.#scheduler,
      signal: ended.signal,
    });
    const handlers = { gossip, records, acknowledgements, checks, emit };
    const offMessages = gossip.onMessage((message, origin) => handleMessage(message, origin, handlers));
    let lastStage = '';
    const offClock = every(this.#scheduler, 200, () => {
      const { round, stage, untilStageEnd } = ledger.clock.read();
      if (lastStage === `${round} ${stage}`) return;
      lastStage = `${round} ${stage}`;
      emit({ kind: 'stage', round, stage, untilStageEnd });
    });
    const timed = timedTrainer(this.#options.trainer, () => this.#scheduler.now());
    const dependencies: RoundDependencies = {
      trainer: timed.trainer,
      computeMsOf: timed.msOf,
      ledger,
      gossip,
      content,
      publishCheckpoint,
      deviceKey,
      scheduler: this.#scheduler,
      randomBytes,
      engine: this.#options.engine,
      conformance: this.#options.conformance,
      settings: this.#settings,
      records,
      acknowledgements,
      outbox,
      emit,
      status: (sentence) =>
        this.#setStatus(this.#session?.finishing === true ? 'finishing' : 'working', sentence),
    };
    return {
      dependencies,
      ended,
      work: new AbortController(),
      paused: null,
      finishing: false,
      failures: 0,
      attested: null,
      wake: () => {},
      done: Promise.resolve(),
      close: () => {
        offMessages();
        offClock();
        outbox.stop();
        acknowledgements.stop();
      },
    };
  }

  async #loop(session: Session): Promise<void> {
    const { ended, dependencies } = session;
    let last = -1;
    while (!ended.signal.aborted && !session.finishing) {
      try {
        if (session.paused !== null) {
          this.#setStatus('paused', session.paused);
          await new Promise<void>((resolve) => {
            session.wake = resolve;
          });
          continue;
        }
        const context = await this.#nextRound(session, last);
        if (session.finishing) return;
        last = context.round;
        this.#round = context.round;
        await runRound(dependencies, context, session.work.signal);
        session.attested = context.round;
        session.failures = 0;
      } catch (error) {
        if (ended.signal.aborted || session.work.signal.aborted) continue;
        this.#fail(session, last, error);
      }
    }
  }

  /** Waits for a round after the last one that there is still time to answer. */
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
      this.#setStatus('waiting', `Waiting for round ${first.round + 1}; round ${first.round} ${why}.`);
    }
    const { round, seed } = await waitFor(session.dependencies, joinable, session.work.signal);
    return { round, seed, device: deviceKey.address };
  }

  #fail(session: Session, round: number, error: unknown): void {
    session.failures++;
    const cause = messageOf(error);
    this.#emit({ kind: 'failed', round, cause, inARow: session.failures });
    if (session.failures < this.#settings.failures) {
      this.#setStatus('waiting', `Round ${round} failed: ${cause} Trying again in the next.`);
      return;
    }
    session.paused = `Paused after ${session.failures} failures in a row: ${cause}`;
    session.work.abort(new DOMException(session.paused, 'AbortError'));
  }

  #emit(event: RoundEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #setStatus(state: DriverState, sentence: string): void {
    this.#state = state;
    this.#sentence = sentence;
    this.#emit({ kind: 'status', state, sentence, round: this.#round });
  }
}

/** The time from one `start` to the next `stop`. */
interface Session {
  readonly dependencies: RoundDependencies;
  readonly ended: AbortController;
  /** Aborted by a pause. `resume` makes a new one. */
  work: AbortController;
  paused: string | null;
  finishing: boolean;
  failures: number;
  /** The last round attested. */
  attested: number | null;
  /** Ends the wait during a pause. */
  wake: () => void;
  done: Promise<void>;
  readonly close: () => void;
}
