import type { Evidence, EvidenceOptions, StepTrace } from '../../../protocol/evidence.ts';
import type { Hex } from '../../../protocol/hex.ts';
import { PromiseMemo } from '../../../protocol/memoize-promise.ts';
import type { VerifiedRun } from '../../../protocol/verified-run.ts';
import { inconsistencyOf } from '../evidence-check.ts';

export interface FindRunOptions extends EvidenceOptions {
  /**
   * Seconds in which the run has to be repeated. A run that cannot be is not even planned, and the search may
   * end before all descriptions were planned. Defaults to no limit, as for a game that is under way.
   */
  readonly secondsLeft?: number | undefined;
}

/**
 * Finds the computation of the run whose terms have this hash, and verifies that with `verifyRun`. Resolves
 * with undefined where no specification of the run is known. Anybody can publish specifications, so it prices
 * them before it plans them.
 */
export type FindRun<Run extends Evidence = Evidence> = (
  terms: Hex,
  options: FindRunOptions,
) => Promise<VerifiedRun<Run> | undefined>;

/**
 * What the next look for a run costs at least, and repeating it, in ms. It takes milliseconds itself.
 * Resolves with undefined where there is nothing to look at.
 */
export type PriceRun = (terms: Hex, options: FindRunOptions) => Promise<number | undefined>;

/**
 * Traces kept of each run. A player of several games about one claim is usually asked about the same step.
 */
const KEPT_TRACES = 2;

/**
 * Runs by the hash of their terms, for all agents of a process: each is found, checked and computed once. A
 * run that was not found, or whose search failed, is looked for again when it is asked for again.
 */
export class RunCache<Run extends Evidence = Evidence> {
  readonly #find: FindRun<Run>;
  readonly #price: PriceRun;
  readonly #runs = new PromiseMemo<Hex, VerifiedRun<Run> | undefined>({ keep: (run) => run !== undefined });

  /** `price` defaults to every run costing nothing, which fits runs that nobody else can specify. */
  constructor(find: FindRun<Run>, price: PriceRun = () => Promise.resolve(0)) {
    this.#find = find;
    this.#price = price;
  }

  /** Rejects as the search does, and with InvalidEvidenceError. */
  get(terms: Hex, options: FindRunOptions = {}): Promise<VerifiedRun<Run> | undefined> {
    return this.#runs.get(terms, () => this.#open(terms, options));
  }

  /** Rejects as the search does. */
  price(terms: Hex, options: FindRunOptions = {}): Promise<number | undefined> {
    return this.#price(terms, options);
  }

  async #open(terms: Hex, options: FindRunOptions): Promise<VerifiedRun<Run> | undefined> {
    const run = await this.#find(terms, options);
    if (run === undefined) return undefined;
    // A game played with evidence that contradicts itself could be lost, whoever is right.
    const inconsistency = inconsistencyOf(run);
    if (inconsistency !== undefined) throw new InvalidEvidenceError(inconsistency);
    return remembering(run);
  }
}

/**
 * The run, with its step roots computed once and its last traces kept. A computation that failed is tried
 * again.
 */
function remembering<Run extends Evidence>(run: Run): Run {
  const traces = new PromiseMemo<number, StepTrace>({ limit: KEPT_TRACES });
  const roots = new PromiseMemo<'all', readonly Hex[]>();
  return {
    ...run,
    stepRoots: (options?: EvidenceOptions) => roots.get('all', () => run.stepRoots(options)),
    trace: (step: number, options?: EvidenceOptions) => traces.get(step, () => run.trace(step, options)),
  };
}

/** A run's specification gives evidence that contradicts itself. */
export class InvalidEvidenceError extends Error {
  override readonly name = 'InvalidEvidenceError';

  constructor(inconsistency: string) {
    super(`The run’s specification cannot be used. ${inconsistency} Get it again from whoever published it.`);
  }
}
