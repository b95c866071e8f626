import { describe, expect, it } from 'vitest';
import { DEFAULT_OPTIMIZER } from '../models/decoder/adamw.ts';
import { configJson, NANO_CONFIG } from '../models/decoder/config.ts';
import type { Hex } from '../protocol/hex.ts';
import { toHex } from '../protocol/hex.ts';
import { sha256Of } from '../protocol/sha256-of.ts';
import { termsHash } from '../protocol/slot-encoding.ts';
import { type FetchDescriptions, PlanSearch, type SearchOptions } from './plan-search.ts';
import { PlanTimeoutError, planWithin } from './plan-within.ts';
import { costOfRun } from './run-cost.ts';
import { planRun, type RunPlan } from './run-plan.ts';
import { decodeRunSpec, encodeRunSpec, parseRunSpec, type RunSpec } from './run-spec.ts';

/** A specification of at most 700 bytes, of any size of run. */
function described(seed: number, steps: number, rows: number, layers = 1): RunSpec {
  return parseRunSpec({
    format: 'starling-run-1',
    config: configJson({ ...NANO_CONFIG, layers }),
    optimizer: { ...DEFAULT_OPTIMIZER },
    start: { root: `0x${'11'.repeat(32)}`, step: 0, cursor: 0, rng: '0x00000000' },
    steps,
    seed: `0x${seed.toString(16).padStart(64, '0')}`,
    learningRate: 0.001,
    work: { kind: 'supervised', rows, length: 64 },
  });
}

/** 65,536 steps of an 8-layer model: 45 s to plan and hours to repeat, in 690 bytes. */
const bombs = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, seed) => encodeRunSpec(described(seed + 1, 65_536, 4, 8)));
const TRUE_SPEC = described(0, 2, 2);
const TRUE_BYTES = encodeRunSpec(TRUE_SPEC);
const TERMS = termsHash(planRun(TRUE_SPEC).terms);
const OTHER_TERMS: Hex = `0x${'22'.repeat(32)}`;
const WINDOW: SearchOptions = { secondsLeft: 120 };

/**
 * A search that notes which descriptions it planned, and on whose clock a step takes a ms, or another time.
 */
function searchOf({ maxSteps = 65_536, stepMs = 1 } = {}) {
  const planned: Uint8Array[] = [];
  let time = 0;
  const search = new PlanSearch<RunPlan>({
    async plan(bytes, { budgetMs }) {
      planned.push(bytes);
      const spec = decodeRunSpec(bytes);
      const ms = spec.steps * stepMs;
      time += Math.min(ms, budgetMs);
      if (ms > budgetMs) throw new PlanTimeoutError(budgetMs);
      return planRun(spec);
    },
    maxSteps,
    now: () => time,
  });
  return { search, planned };
}

/** A log of descriptions that answers as the chain's does, `page` at a time. */
function logOf(descriptions: readonly Uint8Array[], page = 1024): FetchDescriptions {
  return async (wants) => descriptions.filter((each) => wants(toHex(sha256Of(each)))).slice(0, page);
}

describe('a run is found among descriptions of strangers', () => {
  it.each([16, 1000])('behind %d descriptions of huge runs, none of which is planned', async (count) => {
    const { search, planned } = searchOf();
    const log = logOf([...bombs(count), TRUE_BYTES], 64);
    expect(await search.price(TERMS, log, WINDOW)).toBeLessThan(100);
    expect(await search.find(TERMS, log, WINDOW)).toMatchObject({ kind: 'found', bytes: TRUE_BYTES });
    expect(planned).toEqual([TRUE_BYTES]);
    // Under terms that none of them has, none is planned either.
    expect(await search.find(OTHER_TERMS, logOf(bombs(count)), WINDOW)).toEqual({
      kind: 'refused',
      tooLong: count,
    });
    expect(planned).toHaveLength(1);
  });

  it('cheapest first, and each description is planned once for all claims and looks', async () => {
    const { search, planned } = searchOf();
    const dear = encodeRunSpec(described(1, 500, 2));
    const log = logOf([dear, TRUE_BYTES]);
    expect(await search.find(OTHER_TERMS, log, WINDOW)).toEqual({ kind: 'none' });
    expect(planned).toEqual([TRUE_BYTES, dear]);
    expect(await search.find(OTHER_TERMS, log, WINDOW)).toEqual({ kind: 'none' });
    expect(await search.price(OTHER_TERMS, log, WINDOW)).toBeUndefined();
    expect(planned).toHaveLength(2);
    // Under its own terms it is known at once, and planned again only for the plan itself.
    expect(await search.find(TERMS, log, WINDOW)).toMatchObject({ kind: 'found' });
    expect(planned).toEqual([TRUE_BYTES, dear, TRUE_BYTES]);
  });

  it('in looks of bounded time, each of which goes on where the last ended', async () => {
    const { search, planned } = searchOf();
    const junk = Array.from({ length: 9 }, (_, i) => encodeRunSpec(described(i + 1, 1000, 1)));
    const log = logOf(junk);
    expect(await search.find(OTHER_TERMS, log, WINDOW)).toEqual({ kind: 'unfinished' });
    const first = planned.length;
    expect(first).toBeLessThan(5);
    while ((await search.find(OTHER_TERMS, log, WINDOW)).kind === 'unfinished') {
      expect(planned.length).toBeLessThanOrEqual(9);
    }
    expect(planned).toHaveLength(9);
  });

  it('though one took longer than its price allows: it is given up, and only an own game tries again', async () => {
    // A step takes a second here, which is far more than 20 times its price.
    const { search, planned } = searchOf({ stepMs: 1000 });
    const log = logOf([encodeRunSpec(described(1, 50, 1))]);
    const window = { secondsLeft: 1e6 };
    expect(await search.find(OTHER_TERMS, log, window)).toMatchObject({ kind: 'refused' });
    expect(await search.find(OTHER_TERMS, log, window)).toMatchObject({ kind: 'refused' });
    expect(planned).toHaveLength(1);
    await search.find(OTHER_TERMS, log, {});
    expect(planned).toHaveLength(2);
    expect(await search.find(OTHER_TERMS, log, {})).toEqual({ kind: 'none' });
  });

  it('and longer runs than the reader wants are not planned, nor is what is no specification', async () => {
    const { search, planned } = searchOf({ maxSteps: 10 });
    const log = logOf([encodeRunSpec(described(1, 11, 1)), new Uint8Array(9)]);
    expect(await search.find(OTHER_TERMS, log, {})).toEqual({ kind: 'refused', tooLong: 1 });
    expect(planned).toEqual([]);
  });
});

describe('planning within a budget', () => {
  const never = new AbortController().signal;
  const letOthersIn = (): Promise<void> => Promise.resolve();

  it('gives the plan of planRun', async () => {
    const plan = await planWithin(TRUE_SPEC, { signal: never, budgetMs: 1, now: () => 0, letOthersIn });
    expect(plan.terms).toEqual(planRun(TRUE_SPEC).terms);
  });

  it('ends in the middle of a step when the time is over, or when it is called off', async () => {
    const spec = described(1, 4096, 64, 8);
    let time = 0;
    const now = (): number => ++time;
    await expect(planWithin(spec, { budgetMs: 10, now, letOthersIn })).rejects.toThrow(PlanTimeoutError);
    expect(time).toBe(12);
    const abort = new AbortController();
    const calls = { count: 0 };
    const planning = planWithin(spec, {
      ...{ signal: abort.signal, budgetMs: 1e9, now: () => 0 },
      letOthersIn: async () => {
        calls.count++;
        if (calls.count === 3) abort.abort();
      },
    });
    await expect(planning).rejects.toThrow('aborted');
    expect(calls.count).toBe(3);
  });
});

describe('the price of a run', () => {
  it('grows with steps, rows and layers, and does not depend on what is computed to find it', () => {
    const base = costOfRun(described(1, 10, 2));
    for (const dearer of [described(1, 20, 2), described(1, 10, 4), described(1, 10, 2, 8)]) {
      expect(costOfRun(dearer).computeMs).toBeGreaterThan(base.computeMs);
      expect(costOfRun(dearer).planMs).toBeGreaterThan(base.planMs);
    }
  });
});
