import { createStore, type StoreApi } from 'zustand/vanilla';
import { Auditor } from '../../chain/disputes/agents/auditor.ts';
import { type ClaimRecorder, Defender } from '../../chain/disputes/agents/defender.ts';
import type { DisputeEvent } from '../../chain/disputes/agents/dispute-event.ts';
import { RunCache } from '../../chain/disputes/agents/run-cache.ts';
import type { DisputesPort } from '../../chain/disputes/port.ts';
import { claimTree } from '../../chain/disputes/trees.ts';
import type { Hex } from '../../protocol/hex.ts';
import { messageOf } from '../../protocol/message-of.ts';
import type { RunProgress } from '../../workers/run-api.ts';
import type { ChainLook, ChainWatch } from '../jobs/chain-watch.ts';
import type { KnownRuns } from '../jobs/known-runs.ts';
import { type Check, type ChecksPort, type ChecksView, EMPTY_CHECKS } from './checks-port.ts';

export interface ChecksControllerOptions {
  /** The game, played by the device's account. */
  readonly disputes: DisputesPort;
  /** Records this device's claims once they stand. */
  readonly recorder: ClaimRecorder;
  readonly watch: ChainWatch;
  readonly knownRuns: KnownRuns;
  /** What is paid for each claim that was delivered for a job, in wei: those are checked first. */
  readonly stakes: () => Promise<ReadonlyMap<number, bigint>>;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Remembers across a reload that this device audits, and that something of its own is under way. */
  readonly memory: {
    auditing(): boolean;
    remember(state: { readonly auditing: boolean; readonly busy: boolean }): void;
  };
  /** Whether this device works at a job, which is remembered too. */
  readonly isWorking: () => boolean;
}

const LOG_LENGTH = 40;
/** A run that takes longer to repeat, in seconds, is not looked up for showing a stranger's dispute. */
const SHOWN_SECONDS = 600;

/**
 * Claims and disputes: checks claims, audits all of them on request, and defends the claims of this device.
 */
export class ChecksController implements ChecksPort {
  readonly store: StoreApi<ChecksView> = createStore<ChecksView>(() => EMPTY_CHECKS);
  readonly #options: ChecksControllerOptions;
  readonly #abort = new AbortController();
  /** Shared by the auditor and the defender. */
  readonly #runs: RunCache;
  readonly #defender: Defender;
  #auditor: Auditor | null = null;
  #unwatch: () => void = () => undefined;

  constructor(options: ChecksControllerOptions) {
    this.#options = options;
    const { knownRuns } = options;
    this.#runs = new RunCache(
      async (terms, asked) =>
        (await knownRuns.known(terms, asked)) === undefined ? undefined : knownRuns.run(terms, asked.signal),
      (terms, asked) => knownRuns.price(terms, asked),
    );
    this.#defender = new Defender({ ...this.#agentOptions(), recorder: options.recorder });
  }

  /** Follows the chain from now on, and plays for what this device claimed or challenged before. */
  start(): void {
    const { watch, memory } = this.#options;
    const ends = [
      watch.store.subscribe((view) => this.store.setState(view)),
      watch.onLook((look, { address }) => this.#handleLook(look, address)),
    ];
    this.#unwatch = () => {
      for (const end of ends) end();
    };
    this.#defender.start();
    if (memory.auditing()) void this.audit(true);
  }

  /** Resolves when no move is under way any more. */
  async stop(): Promise<void> {
    this.#unwatch();
    this.#abort.abort();
    await Promise.all([this.#defender.stop(), this.#auditor?.stop()]);
  }

  async check(claim: number): Promise<void> {
    const { chain, checks } = this.store.getState();
    const made = chain?.claims.find((each) => each.claim === claim);
    if (made === undefined || checks.get(claim)?.kind === 'running') return;
    this.#setCheck(claim, { kind: 'running', done: 0, steps: 0 });
    try {
      const run = await this.#options.knownRuns.run(made.terms, this.#abort.signal);
      const computed = claimTree(await run.stepRoots()).root;
      this.#setCheck(claim, computed === made.root ? { kind: 'same' } : { kind: 'differs', computed });
    } catch (error) {
      this.#setCheck(claim, { kind: 'failed', cause: messageOf(error) });
    }
  }

  async audit(on: boolean): Promise<void> {
    if (on === (this.#auditor !== null)) return;
    const auditor = this.#auditor;
    this.#auditor = on ? new Auditor({ ...this.#agentOptions(), stakes: this.#options.stakes }) : null;
    this.store.setState({ auditing: on });
    if (on) this.#auditor?.start();
    else await auditor?.stop();
  }

  /** Shows how far the runs of running checks are. */
  handleProgress({ terms, done, steps }: RunProgress): void {
    const { chain, checks } = this.store.getState();
    for (const claim of chain?.claims ?? []) {
      if (claim.terms === terms && checks.get(claim.claim)?.kind === 'running') {
        this.#setCheck(claim.claim, { kind: 'running', done, steps });
      }
    }
  }

  #agentOptions() {
    const { disputes, sleep } = this.#options;
    return {
      port: disputes,
      runs: this.#runs,
      onEvent: (event: DisputeEvent) => this.#handleEvent(event),
      sleep,
    };
  }

  #handleEvent(event: DisputeEvent): void {
    this.store.setState(({ log }) => ({ log: [event, ...log].slice(0, LOG_LENGTH) }));
    if (event.kind === 'agrees') this.#setCheck(event.claim, { kind: 'same' });
    if (event.kind === 'differs') this.#setCheck(event.claim, { kind: 'differs', computed: event.computed });
    if (event.kind === 'moved' || event.kind === 'over') this.#options.watch.refresh();
  }

  #handleLook(look: ChainLook, address: Hex): void {
    this.#playOn(look, address.toLowerCase());
    for (const { terms, games } of look.claims) if (games.length > 0) void this.#learn(terms);
  }

  /**
   * Disputes that this device began are played to their end, also after a reload: silence would lose their
   * bonds.
   */
  #playOn({ claims }: ChainLook, own: string): void {
    const { memory, isWorking } = this.#options;
    const live = claims.flatMap(({ games }) => games).filter(({ game }) => game.phase !== 'over');
    const plays = live.some(({ game }) => game.challenger.toLowerCase() === own);
    if (plays && !this.store.getState().auditing) void this.audit(true);
    const staked = claims.some(
      ({ claimant, lost, settled }) => claimant.toLowerCase() === own && !lost && !settled,
    );
    const { auditing } = this.store.getState();
    memory.remember({ auditing, busy: plays || staked || isWorking() || auditing });
  }

  /** Finds out what a disputed run is made of, for the transcript of the dispute. */
  async #learn(terms: Hex): Promise<void> {
    if (this.store.getState().knownRuns.has(terms)) return;
    const asked = { secondsLeft: SHOWN_SECONDS, signal: this.#abort.signal };
    const known = await this.#options.knownRuns.known(terms, asked).catch(() => undefined);
    if (known === undefined) return;
    this.store.setState(({ knownRuns }) => ({ knownRuns: new Map([...knownRuns, [terms, known]]) }));
  }

  #setCheck(claim: number, check: Check): void {
    this.store.setState(({ checks }) => ({ checks: new Map([...checks, [claim, check]]) }));
  }
}
