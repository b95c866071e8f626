import type { PublicClient } from 'viem';
import { startCampaign } from '../../chain/crowdfund/actions.ts';
import { digestOfDescription, publishDescription } from '../../chain/descriptions.ts';
import { Auditor } from '../../chain/disputes/agents/auditor.ts';
import { Defender } from '../../chain/disputes/agents/defender.ts';
import type { DisputeEvent } from '../../chain/disputes/agents/dispute-event.ts';
import { RunCache } from '../../chain/disputes/agents/run-cache.ts';
import type { DisputesPort } from '../../chain/disputes/port.ts';
import { claimTree } from '../../chain/disputes/trees.ts';
import { COIN, readCredit, withdrawCredit } from '../../chain/payments.ts';
import type { TransactionQueue } from '../../chain/transaction-queue.ts';
import type { Hex } from '../../protocol/hex.ts';
import type { RollupContracts } from '../../protocol/rollup.ts';
import { termsHash } from '../../protocol/slot-encoding.ts';
import type { RunProgress } from '../../workers/run-api.ts';
import type { RunsClient } from '../../workers/run-client.ts';
import { doJob } from './do-job.ts';
import { type Check, type DeskView, EMPTY_DESK } from './jobs-view.ts';
import { KnownRuns } from './known-runs.ts';
import { MarketReader } from './market.ts';

export interface DeskOptions {
  readonly client: PublicClient;
  /** Of the device's account: it works, defends, audits, and lays down bonds. */
  readonly queue: TransactionQueue;
  readonly contracts: RollupContracts;
  /** The game, moved by the device's account. */
  readonly disputes: DisputesPort;
  /** Opens the worker that does runs; `listener` hears how far they are. */
  readonly openRuns: (listener: (progress: RunProgress) => void) => RunsClient;
  readonly model: string;
  readonly threads: number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly randomBytes: (count: number) => Uint8Array;
  /** Remembers, across a reload, that this device audits, and that something of its own is under way. */
  readonly memory: {
    auditing(): boolean;
    remember(state: { readonly auditing: boolean; readonly busy: boolean }): void;
  };
  /** Between two looks at the chain, ms. */
  readonly pollMs?: number;
}

/** A task to be paid for by many. */
export interface Proposal {
  readonly steps: number;
  /** Wei: the goal. */
  readonly price: bigint;
  /** Wei that a worker lays down. */
  readonly bond: bigint;
  /** Until when pledges are taken, seconds from now. */
  readonly raiseSeconds: number;
  readonly claimSeconds: number;
  readonly workSeconds: number;
  /** Of TOTAL_SHARES. */
  readonly workerShares: number;
}

/** What a step of a proposed task trains on: two rows of 64 tokens keep a replay within seconds on any machine. */
const WORK = { rows: 8, length: 48, learningRate: 0.002 } as const;

const SAID = 40;

/**
 * Everything a person does with paid and disputed training, behind the screens: it looks at the chain, and the device works, defends and
 * audits by its own key. One per tab, only in the tab that holds the key.
 */
export class Desk {
  readonly #options: DeskOptions;
  readonly #market: MarketReader;
  readonly #known: KnownRuns;
  /** Shared by the auditor and the defender. */
  readonly #runCache: RunCache;
  readonly #listeners = new Set<(view: DeskView) => void>();
  readonly #abort = new AbortController();
  readonly #defender: Defender;
  #auditor: Auditor | null = null;
  #runs: RunsClient | null = null;
  #view: DeskView = EMPTY_DESK;
  #polling: Promise<void> = Promise.resolve();
  #wake: () => void = () => undefined;

  constructor(options: DeskOptions) {
    this.#options = options;
    const { client, contracts, model, threads } = options;
    this.#market = new MarketReader(client, contracts);
    this.#known = new KnownRuns({ client, contracts, model, threads, runs: () => this.#openRuns() });
    this.#runCache = new RunCache(async (terms, { signal }) =>
      (await this.#known.known(terms, signal)) === undefined ? undefined : this.#known.run(terms, signal),
    );
    this.#defender = new Defender(this.#keeper());
  }

  get view(): DeskView {
    return this.#view;
  }

  subscribe(listener: (view: DeskView) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Looks from now on, and plays for what this device claimed before. */
  start(): void {
    this.#defender.start();
    if (this.#options.memory.auditing()) void this.audit(true);
    this.#polling = this.#poll();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await Promise.all([this.#polling, this.#defender.stop(), this.#auditor?.stop()]);
  }

  /** Looks at the chain now rather than at the next turn. */
  refresh(): void {
    this.#wake();
  }

  /** Publishes what the task is and starts collecting for it, both paid from `queue`. Throws ChainError, ComputeError. */
  async propose(proposal: Proposal, queue: TransactionQueue): Promise<bigint> {
    const { client, contracts, model, randomBytes } = this.#options;
    const { steps, price, bond, raiseSeconds, claimSeconds, workSeconds, workerShares } = proposal;
    const seed = hexOf(randomBytes(32));
    const { spec, terms } = await this.#openRuns().specify({ model, steps, seed, ...WORK });
    const run = termsHash(terms);
    const { descriptions, crowdfund } = contracts;
    await publishDescription({ queue, descriptions, run, description: spec });
    const now = Number((await client.getBlock()).timestamp);
    const about = digestOfDescription(spec);
    const order = { terms: run, about, token: COIN, price, bond, claimSeconds, workSeconds, workerShares };
    const { campaign } = await startCampaign({
      queue,
      crowdfund,
      order,
      deadline: now + raiseSeconds,
    });
    this.refresh();
    return campaign;
  }

  /** Takes a job to its end with this device. Resolves when it is over, one way or another; the view tells how. */
  async work(job: bigint): Promise<void> {
    if (this.#view.working !== null) return;
    const { queue, disputes, contracts, sleep } = this.#options;
    this.#tell({ working: { job, phase: 'claiming', done: 0, steps: 0 }, failure: null });
    try {
      await doJob({
        queue,
        contracts,
        disputes,
        job,
        run: (terms, signal) => this.#known.run(terms, signal),
        onPhase: (phase) => {
          const { working } = this.#view;
          if (working !== null) this.#tell({ working: { ...working, phase } });
          this.refresh();
        },
        sleep,
        signal: this.#abort.signal,
      });
      await this.withdraw(queue);
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#tell({ failure: { job, cause: message(error) } });
    } finally {
      this.#tell({ working: null });
      this.refresh();
    }
  }

  /** Draws everything that an account is owed. Throws ChainError. */
  async withdraw(queue: TransactionQueue): Promise<void> {
    const { client, contracts } = this.#options;
    if ((await readCredit(client, contracts.payments, queue.address)) === 0n) return;
    await withdrawCredit({ queue, payments: contracts.payments });
    this.refresh();
  }

  /** The file of the model that a job ended with, computed here and equal to what was delivered. */
  async model(terms: Hex): Promise<Uint8Array> {
    const run = await this.#known.run(terms, this.#abort.signal);
    return run.checkpoint(run.terms.steps);
  }

  /** Does a claim's run here and compares. The view tells what came out. */
  async check(claim: number): Promise<void> {
    const made = this.#view.chain?.claims.find((each) => each.claim === claim);
    if (made === undefined || this.#view.checks.get(claim)?.kind === 'running') return;
    this.#checked(claim, { kind: 'running', done: 0, steps: 0 });
    try {
      const run = await this.#known.run(made.terms, this.#abort.signal);
      const computed = claimTree(await run.stepRoots()).root;
      this.#checked(claim, computed === made.root ? { kind: 'same' } : { kind: 'differs', computed });
    } catch (error) {
      this.#checked(claim, { kind: 'failed', cause: message(error) });
    }
  }

  /** From now on, or no more: checks every claim, challenges what is wrong, and plays to the end. */
  async audit(on: boolean): Promise<void> {
    if (on === (this.#auditor !== null)) return;
    const auditor = this.#auditor;
    this.#auditor = on ? new Auditor(this.#keeper()) : null;
    this.#tell({ auditing: on });
    if (on) this.#auditor?.start();
    else await auditor?.stop();
  }

  #keeper() {
    return {
      port: this.#options.disputes,
      runs: this.#runCache,
      onEvent: (happening: DisputeEvent) => this.#say(happening),
      sleep: this.#options.sleep,
    };
  }

  #openRuns(): RunsClient {
    this.#runs ??= this.#options.openRuns((progress) => this.#progress(progress));
    return this.#runs;
  }

  #progress({ terms, done, steps }: RunProgress): void {
    const { working, chain } = this.#view;
    const job = chain?.jobs.find((each) => each.id === working?.job);
    if (working !== null && job?.order.terms === terms) this.#tell({ working: { ...working, done, steps } });
    for (const claim of chain?.claims ?? []) {
      if (claim.terms === terms && this.#view.checks.get(claim.claim)?.kind === 'running') {
        this.#checked(claim.claim, { kind: 'running', done, steps });
      }
    }
  }

  #say(happening: DisputeEvent): void {
    this.#tell({ said: [happening, ...this.#view.said].slice(0, SAID) });
    if (happening.kind === 'agrees') this.#checked(happening.claim, { kind: 'same' });
    if (happening.kind === 'differs') {
      this.#checked(happening.claim, { kind: 'differs', computed: happening.computed });
    }
    if (happening.kind === 'moved' || happening.kind === 'over') this.refresh();
  }

  #checked(claim: number, check: Check): void {
    this.#tell({ checks: new Map([...this.#view.checks, [claim, check]]) });
  }

  #tell(change: Partial<DeskView>): void {
    this.#view = { ...this.#view, ...change };
    for (const listener of this.#listeners) listener(this.#view);
  }

  async #poll(): Promise<void> {
    const { pollMs = 2_000, sleep } = this.#options;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        await this.#look();
      } catch (error) {
        this.#tell({ trouble: message(error) });
      }
      if (signal.aborted) return;
      const waiting = new AbortController();
      const end = () => waiting.abort();
      this.#wake = end;
      signal.addEventListener('abort', end, { once: true });
      await sleep(pollMs, waiting.signal).catch(() => undefined);
      signal.removeEventListener('abort', end);
    }
  }

  async #look(): Promise<void> {
    const { client, queue, contracts, disputes } = this.#options;
    const [market, settings, now, made, games] = await Promise.all([
      this.#market.read(),
      disputes.settings(),
      disputes.now(),
      disputes.claims(0),
      disputes.games(0),
    ]);
    const claims = await Promise.all(
      made.slice(-SHOWN_CLAIMS).map(async ({ claim }) => ({
        ...(await disputes.claim(claim)),
        games: await Promise.all(
          games.filter((game) => game.claim === claim).map(({ game }) => disputes.look(game)),
        ),
      })),
    );
    const { address } = queue;
    const owned = {
      address,
      balance: await client.getBalance({ address }),
      credit: await readCredit(client, contracts.payments, address),
    };
    this.#tell({
      chain: { now, disputes: settings, ...market, claims: claims.toReversed() },
      device: owned,
      trouble: null,
    });
    this.#resume();
    this.#playOn();
    for (const { terms, games: disputes } of claims) if (disputes.length > 0) void this.#name(terms);
  }

  /** Finds out what a disputed run is made of, so that its dispute can be told in words. */
  async #name(terms: Hex): Promise<void> {
    if (this.#view.known.has(terms)) return;
    const known = await this.#known.known(terms, this.#abort.signal).catch(() => undefined);
    if (known !== undefined) this.#tell({ known: new Map([...this.#view.known, [terms, known]]) });
  }

  /** Disputes that this device began are played to their end, also after a reload: silence would lose their bonds. */
  #playOn(): void {
    const { chain, device, working, auditing } = this.#view;
    const own = device?.address.toLowerCase();
    const live =
      chain?.claims.flatMap(({ games }) => games).filter(({ game }) => game.phase !== 'over') ?? [];
    const plays = live.some(({ game }) => game.challenger.toLowerCase() === own);
    if (plays && !auditing) void this.audit(true);
    const stakes = chain?.claims.some(
      ({ claimant, lost, settled }) => claimant.toLowerCase() === own && !lost && !settled,
    );
    this.#options.memory.remember({
      auditing: this.#view.auditing,
      busy: plays || stakes === true || working !== null || this.#view.auditing,
    });
  }

  /** A job that this device had begun when the tab was closed goes on. */
  #resume(): void {
    const { chain, device, working, failure } = this.#view;
    if (working !== null || device === null) return;
    const own = device.address.toLowerCase();
    const begun = chain?.jobs.find(
      ({ id, state, worker, failed }) =>
        (state === 'claimed' || state === 'delivered') && worker === own && !failed && failure?.job !== id,
    );
    if (begun !== undefined) void this.work(begun.id);
  }
}

/** Older claims can be looked up by number. */
const SHOWN_CLAIMS = 50;

function hexOf(bytes: Uint8Array): Hex {
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
