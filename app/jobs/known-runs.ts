import type { PublicClient } from 'viem';
import { type FetchDescriptions, PlanSearch, type SearchOptions } from '../../audit/plan-search.ts';
import { decodeRunSpec, encodeRunSpec } from '../../audit/run-spec.ts';
import { findDescriptions } from '../../chain/descriptions.ts';
import { DescribedRuns } from '../../chain/jobs/described-runs.ts';
import type { Order } from '../../chain/jobs/order.ts';
import type { Hex } from '../../protocol/hex.ts';
import { PromiseMemo } from '../../protocol/memoize-promise.ts';
import type { RollupContracts } from '../../protocol/rollup.ts';
import type { VerifiedRun } from '../../protocol/verified-run.ts';
import type { PlannedRun } from '../../workers/run-api.ts';
import type { RemoteRun, RunsClient } from '../../workers/run-client.ts';

export interface KnownRunsOptions {
  readonly client: PublicClient;
  readonly contracts: Pick<RollupContracts, 'descriptions' | 'jobs'>;
  readonly runs: () => RunsClient;
  /** Folder of the published model that runs begin with. */
  readonly model: string;
  readonly threads: number;
}

/** Longer runs are not done in a page. */
const MAX_STEPS = 10_000;
/** Steps of the trial that measures this device. The start of the engine counts towards them. */
const TRIAL_STEPS = 4;

/** A run with a published description, and what the run is made of. */
export interface KnownRun extends VerifiedRun<PlannedRun> {
  readonly spec: Uint8Array;
}

/** Nobody has published a description of the run, so this page cannot do it. */
export class UnknownRunError extends Error {
  override readonly name = 'UnknownRunError';
}

/**
 * Runs by the hash of their terms. Descriptions come from the chain's log, where nobody can withhold them. A
 * description with other terms than it was published under is passed over. An opened run stays open; its
 * checkpoints outlive the tab.
 */
export class KnownRuns {
  readonly #options: KnownRunsOptions;
  readonly #described: DescribedRuns;
  readonly #search: PlanSearch<PlannedRun>;
  readonly #specs = new PromiseMemo<Hex, KnownRun | undefined>({ keep: (found) => found !== undefined });
  readonly #open = new PromiseMemo<Hex, VerifiedRun<RemoteRun>>();

  constructor(options: KnownRunsOptions) {
    this.#options = options;
    this.#described = new DescribedRuns(options);
    this.#search = new PlanSearch({
      plan: (bytes, { budgetMs, signal }) => options.runs().plan(bytes, budgetMs, signal),
      maxSteps: MAX_STEPS,
      now: () => performance.now(),
    });
  }

  /** What was published about the run. While nothing fits, undefined, and the next call looks again. */
  known(terms: Hex, options: SearchOptions = {}): Promise<KnownRun | undefined> {
    return this.#specs.get(terms, () => this.#find(terms, this.#fetch(terms), options));
  }

  /**
   * The run of the description that an order names, if it has the order's terms; undefined while that
   * description is not published, or where it cannot be planned here. Throws ChainError.
   */
  async ordered(
    { terms, descriptionHash }: Pick<Order, 'terms' | 'descriptionHash'>,
    options: SearchOptions = {},
  ): Promise<KnownRun | undefined> {
    const { client, contracts } = this.#options;
    const { descriptions } = contracts;
    return this.#find(
      terms,
      async (wants) => {
        if (!wants(descriptionHash)) return [];
        const digests = [descriptionHash];
        return (await findDescriptions({ client, descriptions, run: terms, digests })).map(
          ({ bytes }) => bytes,
        );
      },
      options,
    );
  }

  /**
   * Does the first steps of a run and keeps nothing of them. Resolves with the seconds that a step took.
   * Rejects with ComputeError where the run cannot begin here, such as without its start checkpoint.
   */
  async secondsAStep({ spec }: KnownRun, signal?: AbortSignal): Promise<number> {
    const { model, threads, runs } = this.#options;
    const whole = decodeRunSpec(spec);
    const steps = Math.min(whole.steps, TRIAL_STEPS);
    const began = performance.now();
    const trial = await runs().open(
      { spec: encodeRunSpec({ ...whole, steps }), start: { kind: 'model', url: model }, threads },
      signal,
    );
    const seconds = (performance.now() - began) / 1000;
    await trial.close();
    return seconds / steps;
  }

  /** What the next look for the run and repeating it cost at least, in ms; undefined where none is known. */
  price(terms: Hex, options: SearchOptions = {}): Promise<number | undefined> {
    return this.#search.price(terms, this.#fetch(terms), options);
  }

  /** Does the run, or goes on from its last checkpoint. Throws UnknownRunError, ChainError, ComputeError. */
  run(terms: Hex, signal?: AbortSignal): Promise<VerifiedRun<RemoteRun>> {
    return this.#open.get(terms, () => this.#do(terms, signal));
  }

  async #do(terms: Hex, signal?: AbortSignal): Promise<VerifiedRun<RemoteRun>> {
    const known = await this.known(terms, { signal });
    if (known === undefined) {
      throw new UnknownRunError(
        'Nobody has published what this run is, so it cannot be computed here. Ask whoever posted it to publish its description.',
      );
    }
    const { model, threads, runs } = this.#options;
    const run = await runs().open(
      { spec: known.spec, start: { kind: 'model', url: model }, threads, folder: terms.slice(2, 34) },
      signal,
    );
    return { ...run, terms: known.terms };
  }

  async #find(terms: Hex, fetch: FetchDescriptions, options: SearchOptions): Promise<KnownRun | undefined> {
    const found = await this.#search.find(terms, fetch, options);
    return found.kind === 'found' ? { ...found.plan, spec: found.bytes } : undefined;
  }

  #fetch(run: Hex): FetchDescriptions {
    return async (wants) => (await this.#described.find(run, wants)).map(({ bytes }) => bytes);
  }
}
