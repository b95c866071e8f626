import type { PublicClient } from 'viem';
import { createStore, type StoreApi } from 'zustand/vanilla';
import { startCampaign } from '../../chain/crowdfund/actions.ts';
import { digestOfDescription, publishDescription } from '../../chain/descriptions.ts';
import type { DisputesPort } from '../../chain/disputes/port.ts';
import type { TrainingClaimRecorder } from '../../chain/model-registry/claim-recorder.ts';
import { COIN, readCredit, withdrawCredit } from '../../chain/payments.ts';
import type { TransactionQueue } from '../../chain/transaction-queue.ts';
import { type Hex, toHex } from '../../protocol/hex.ts';
import { messageOf } from '../../protocol/message-of.ts';
import type { RollupContracts } from '../../protocol/rollup.ts';
import { termsHash } from '../../protocol/slot-encoding.ts';
import type { RunProgress } from '../../workers/run-api.ts';
import type { RunsClient } from '../../workers/run-client.ts';
import type { ChainLook, ChainWatch, WatchFocus } from './chain-watch.ts';
import { type DoJobOptions, doJob } from './do-job.ts';
import { EMPTY_JOBS, type JobsPort, type JobsView, type Proposal } from './jobs-port.ts';
import type { KnownRun, KnownRuns } from './known-runs.ts';

export interface JobsControllerOptions {
  readonly client: PublicClient;
  /** Of the device's account, which works and lays down bonds. */
  readonly queue: TransactionQueue;
  readonly contracts: RollupContracts;
  /** The game, played by the device's account. */
  readonly disputes: DisputesPort;
  /** Commits to the device's claims before they are made. */
  readonly recorder: Pick<TrainingClaimRecorder, 'commit'>;
  readonly watch: ChainWatch;
  /** The worker that does runs. It starts with the first call. */
  readonly runs: () => RunsClient;
  readonly knownRuns: KnownRuns;
  /** Folder of the published model that runs begin with. */
  readonly model: string;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly randomBytes: (count: number) => Uint8Array;
}

/** What a step of a proposed task trains on: so little that a replay takes seconds on any machine. */
const WORK = { rows: 8, length: 48, learningRate: 0.002 } as const;

/** Paid training: proposes tasks, does jobs with the device's key, and withdraws what an account is owed. */
export class JobsController implements JobsPort {
  readonly store: StoreApi<JobsView> = createStore<JobsView>(() => EMPTY_JOBS);
  readonly #options: JobsControllerOptions;
  readonly #abort = new AbortController();
  #unwatch: () => void = () => undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(options: JobsControllerOptions) {
    this.#options = options;
  }

  /** Follows the chain from now on. A job that this device had begun goes on. */
  start(): void {
    const { watch } = this.#options;
    const ends = [
      watch.store.subscribe((view) => this.store.setState(view)),
      watch.onLook((look, { address }) => this.#goOn(look, address)),
    ];
    this.#unwatch = () => {
      for (const end of ends) end();
    };
  }

  /** Resolves when the job in progress is left. What was done of it is on the chain. */
  async stop(): Promise<void> {
    this.#unwatch();
    this.#abort.abort();
    await this.#work;
  }

  refresh(): void {
    this.#options.watch.refresh();
  }

  follow(focus: WatchFocus): void {
    this.#options.watch.follow(focus);
  }

  showOlder(): void {
    this.#options.watch.showOlder();
  }

  async propose(proposal: Proposal, queue: TransactionQueue): Promise<bigint> {
    const { client, contracts, model, randomBytes, runs } = this.#options;
    const { descriptions, crowdfund } = contracts;
    const { steps, price, bond, raiseSeconds, claimSeconds, workSeconds, workerShares } = proposal;
    const { spec, terms } = await runs().specify({ model, steps, seed: toHex(randomBytes(32)), ...WORK });
    const run = termsHash(terms);
    await publishDescription({ queue, descriptions, run, description: spec });
    const now = Number((await client.getBlock()).timestamp);
    const order = {
      terms: run,
      descriptionHash: digestOfDescription(spec),
      token: COIN,
      price,
      bond,
      claimSeconds,
      workSeconds,
      workerShares,
      steps,
    };
    const { campaign } = await startCampaign({
      queue,
      crowdfund,
      order,
      deadline: now + raiseSeconds,
    });
    this.refresh();
    return campaign;
  }

  async work(job: bigint, acceptedBond?: bigint): Promise<void> {
    if (this.store.getState().working !== null) return;
    this.#work = this.#do(job, { mayClaim: true, acceptedBond });
    await this.#work;
  }

  async withdraw(queue: TransactionQueue): Promise<void> {
    const { client, contracts } = this.#options;
    if ((await readCredit(client, contracts.payments, queue.address)) === 0n) return;
    await withdrawCredit({ queue, payments: contracts.payments });
    this.refresh();
  }

  async model(terms: Hex): Promise<Uint8Array> {
    const run = await this.#options.knownRuns.run(terms, this.#abort.signal);
    return run.checkpoint(run.terms.steps);
  }

  /** Shows how far the run of the job in progress is. */
  handleProgress({ terms, done, steps }: RunProgress): void {
    const { working, chain } = this.store.getState();
    const job = chain?.jobs.find((each) => each.id === working?.job);
    if (working !== null && job?.order.terms === terms) {
      this.store.setState({ working: { ...working, done, steps } });
    }
  }

  async #do(job: bigint, asked: Pick<DoJobOptions<KnownRun>, 'mayClaim' | 'acceptedBond'>): Promise<void> {
    const { queue, disputes, recorder, contracts, knownRuns, sleep } = this.#options;
    const { signal } = this.#abort;
    this.store.setState({ working: { job, phase: 'looking', done: 0, steps: 0 }, failure: null });
    try {
      await doJob({
        queue,
        contracts,
        disputes,
        job,
        ...asked,
        commit: (run, root) => recorder.commit(run, root),
        find: (order, inner) => knownRuns.ordered(order, { signal: inner }),
        measure: (run, inner) => knownRuns.secondsAStep(run, inner),
        run: (terms, inner) => knownRuns.run(terms, inner),
        onPhase: (phase) => {
          const { working } = this.store.getState();
          if (working !== null) this.store.setState({ working: { ...working, phase } });
          this.refresh();
        },
        sleep,
        signal,
      });
      await this.withdraw(queue);
    } catch (error) {
      if (!signal.aborted) this.store.setState({ failure: { job, cause: messageOf(error) } });
    } finally {
      this.store.setState({ working: null });
      this.refresh();
    }
  }

  /** A job that this device had begun when the tab was closed goes on. */
  #goOn({ jobs }: ChainLook, address: Hex): void {
    const { working, failure } = this.store.getState();
    if (working !== null) return;
    const own = address.toLowerCase();
    const begun = jobs.find(
      ({ id, state, worker, failed }) =>
        (state === 'claimed' || state === 'delivered') && worker === own && !failed && failure?.job !== id,
    );
    // Whoever closed the tab did not ask for another bond if the job was lost meanwhile.
    if (begun !== undefined) this.#work = this.#do(begun.id, { mayClaim: false });
  }
}
