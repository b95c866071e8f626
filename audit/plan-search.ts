/**
 * Finds among descriptions that anybody may have published the one whose run has given terms. Every
 * description is priced by its fields before anything is done about it, the cheapest is planned first, each
 * has a time budget, and what was planned once is remembered by its digest.
 */
import type { Terms } from '../protocol/evidence.ts';
import { type Hex, toHex } from '../protocol/hex.ts';
import { sha256Of } from '../protocol/sha256-of.ts';
import { termsHash } from '../protocol/slot-encoding.ts';
import { type VerifiedRun, verifyRun } from '../protocol/verified-run.ts';
import { costOfRun, type RunCost } from './run-cost.ts';
import { decodeRunSpec, RunSpecError } from './run-spec.ts';

/** Plans an encoded specification in at most `budgetMs`. Rejects with PlanTimeoutError after that. */
export type PlanDescription<Plan extends { readonly terms: Terms }> = (
  bytes: Uint8Array,
  options: { readonly budgetMs: number; readonly signal?: AbortSignal | undefined },
) => Promise<Plan>;

export interface PlanSearchOptions<Plan extends { readonly terms: Terms }> {
  readonly plan: PlanDescription<Plan>;
  /** Longer runs are not looked at. */
  readonly maxSteps: number;
  /** The clock of the budgets, in ms. */
  readonly now: () => number;
}

export interface SearchOptions {
  /**
   * Seconds in which the run has to be repeated, such as the rest of a claim's window. A run that no machine
   * of this kind repeats in that time is not planned. Defaults to no limit.
   */
  readonly secondsLeft?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type SearchResult<Plan extends { readonly terms: Terms }> =
  | { readonly kind: 'found'; readonly plan: VerifiedRun<Plan>; readonly bytes: Uint8Array }
  /** None of them describes the run. */
  | { readonly kind: 'none' }
  /** The time of one look is spent and some are left. The next look goes on with those. */
  | { readonly kind: 'unfinished' }
  /** None of those that may be planned describes the run. `tooLong` were not planned. */
  | { readonly kind: 'refused'; readonly tooLong: number };

/** The most time for the plan of one description, in ms; more where nothing but the run's own game waits. */
const BUDGET_MS = 15_000;
const OWN_BUDGET_MS = 120_000;
/**
 * A description may take this many times what it was priced at, and this much more: the price is that of a
 * fast machine. One that was priced too low by its publisher's choice of lengths is given up soon.
 */
const OVERRUN = 20;
const SPARE_MS = 2_000;
/** After this time a look at one claim plans no further description, so that other claims get their turn. */
const LOOK_MS = 2_000;
/** Most digests remembered, 200 bytes each. To have one forgotten costs its publisher this many more. */
const MAX_REMEMBERED = 65_536;

/** What is known of a description by its digest. */
type Verdict =
  /** It was planned, and its run has these terms. */
  | { readonly kind: 'terms'; readonly terms: Hex }
  /** It is no specification, or one that cannot be planned. */
  | { readonly kind: 'unusable' }
  /** It has more steps than `maxSteps`. */
  | { readonly kind: 'too-long' }
  /** It was priced and not planned. */
  | { readonly kind: 'priced'; readonly cost: RunCost }
  /** It did not finish in its time, or the planner failed: for a game of one's own, or else for a claim. */
  | { readonly kind: 'late'; readonly own: boolean };

/**
 * Descriptions said to be of the run, some at a time. Those whose digest `wants` refuses are left out,
 * so that the next call has others.
 */
export type FetchDescriptions = (wants: (digest: Hex) => boolean) => Promise<readonly Uint8Array[]>;

interface Candidate {
  readonly digest: Hex;
  readonly bytes: Uint8Array;
  readonly costMs: number;
}

/** One process or page needs one: what one claim's look has learned serves every other. */
export class PlanSearch<Plan extends { readonly terms: Terms }> {
  readonly #options: PlanSearchOptions<Plan>;
  readonly #verdicts = new Map<Hex, Verdict>();

  constructor(options: PlanSearchOptions<Plan>) {
    this.#options = options;
  }

  /**
   * What the next look for the run costs at least, planning and computing, in ms. Resolves with undefined
   * where there is nothing to plan. Rejects as `fetch` does.
   */
  async price(terms: Hex, fetch: FetchDescriptions, options: SearchOptions): Promise<number | undefined> {
    const { usable } = await this.#next(terms, fetch, options);
    return usable[0]?.costMs;
  }

  /**
   * Plans the cheapest descriptions until one has the terms. Rejects as `fetch` does, and with the signal's
   * reason.
   */
  async find(terms: Hex, fetch: FetchDescriptions, options: SearchOptions): Promise<SearchResult<Plan>> {
    const { now } = this.#options;
    const started = now();
    for (;;) {
      const { usable, tooLong } = await this.#next(terms, fetch, options);
      if (usable.length === 0) return tooLong > 0 ? { kind: 'refused', tooLong } : { kind: 'none' };
      for (const { digest, bytes } of usable) {
        if (options.secondsLeft !== undefined && now() - started > LOOK_MS) return { kind: 'unfinished' };
        const plan = await this.#plan(digest, bytes, options);
        const verified = plan === undefined ? undefined : verifyRun(plan, terms);
        if (verified !== undefined) return { kind: 'found', plan: verified, bytes };
      }
    }
  }

  async #plan(digest: Hex, bytes: Uint8Array, options: SearchOptions): Promise<Plan | undefined> {
    const { signal } = options;
    const own = options.secondsLeft === undefined;
    const verdict = this.#verdicts.get(digest);
    const { planMs } = verdict?.kind === 'priced' ? verdict.cost : { planMs: BUDGET_MS };
    const budgetMs = own ? OWN_BUDGET_MS : Math.min(budgetOf(options), SPARE_MS + OVERRUN * planMs);
    try {
      const plan = await this.#options.plan(bytes, { budgetMs, signal });
      this.#remember(digest, { kind: 'terms', terms: termsHash(plan.terms) });
      return plan;
    } catch (error) {
      signal?.throwIfAborted();
      const unusable = error instanceof RunSpecError;
      this.#remember(digest, unusable ? { kind: 'unusable' } : { kind: 'late', own });
      return undefined;
    }
  }

  /** The next descriptions worth planning, cheapest first, and how many were too long for that. */
  async #next(terms: Hex, fetch: FetchDescriptions, options: SearchOptions) {
    const tooLong = new Set<Hex>();
    const wants = (digest: Hex): boolean => {
      const wanted = this.#judge(digest, terms, options);
      if (wanted === 'too-long') tooLong.add(digest);
      return wanted === 'wanted';
    };
    for (;;) {
      const fetched = (await fetch(wants))
        .map((bytes) => ({ digest: toHex(sha256Of(bytes)), bytes }))
        .filter(({ digest }) => wants(digest));
      if (fetched.length === 0) return { usable: [], tooLong: tooLong.size };
      const usable: Candidate[] = [];
      for (const { digest, bytes } of fetched) {
        if (!this.#verdicts.has(digest)) this.#remember(digest, this.#firstLook(bytes));
        if (wants(digest)) usable.push({ digest, bytes, costMs: this.#costMs(digest) });
      }
      options.signal?.throwIfAborted();
      if (usable.length === 0) continue;
      // Among equals the oldest comes first: the sort is stable.
      return { usable: usable.toSorted((a, b) => a.costMs - b.costMs), tooLong: tooLong.size };
    }
  }

  #judge(digest: Hex, terms: Hex, options: SearchOptions): 'wanted' | 'excluded' | 'too-long' {
    const verdict = this.#verdicts.get(digest);
    switch (verdict?.kind) {
      case undefined:
        return 'wanted';
      case 'terms':
        return verdict.terms === terms ? 'wanted' : 'excluded';
      case 'unusable':
        return 'excluded';
      case 'too-long':
        return 'too-long';
      case 'late':
        return !verdict.own && options.secondsLeft === undefined ? 'wanted' : 'too-long';
      case 'priced': {
        const { planMs, computeMs } = verdict.cost;
        const limitMs = (options.secondsLeft ?? Number.POSITIVE_INFINITY) * 1000;
        return planMs > budgetOf(options) || planMs + computeMs > limitMs ? 'too-long' : 'wanted';
      }
    }
  }

  /** What a description says about itself. Takes microseconds. */
  #firstLook(bytes: Uint8Array): Verdict {
    try {
      const spec = decodeRunSpec(bytes);
      if (spec.steps > this.#options.maxSteps) return { kind: 'too-long' };
      return { kind: 'priced', cost: costOfRun(spec) };
    } catch {
      return { kind: 'unusable' };
    }
  }

  /** 0 for the description that is known to be the right one: it comes first. */
  #costMs(digest: Hex): number {
    const verdict = this.#verdicts.get(digest);
    if (verdict?.kind === 'priced') return verdict.cost.planMs + verdict.cost.computeMs;
    return verdict?.kind === 'late' ? OWN_BUDGET_MS : 0;
  }

  #remember(digest: Hex, verdict: Verdict): void {
    this.#verdicts.delete(digest);
    this.#verdicts.set(digest, verdict);
    for (const oldest of this.#verdicts.keys()) {
      if (this.#verdicts.size <= MAX_REMEMBERED) return;
      this.#verdicts.delete(oldest);
    }
  }
}

/** The most time for one plan, in ms. */
function budgetOf({ secondsLeft }: SearchOptions): number {
  // A quarter of the window at most: the run has to be computed and the challenge sent after it.
  return secondsLeft === undefined ? OWN_BUDGET_MS : Math.min(BUDGET_MS, secondsLeft * 250);
}
