import { afterEach, describe, expect, it } from 'vitest';
import { PlanTimeoutError } from '../../audit/plan-within.ts';
import { planRun } from '../../audit/run-plan.ts';
import { encodeRunSpec, parseRunSpec, type RunSpec, runSpecFields } from '../../audit/run-spec.ts';
import { PlanThreads } from './plan-thread.ts';
import { nanoStart, supervisedSpec } from './testing/nano.ts';

describe('planning in a thread', () => {
  const planners = new PlanThreads();
  afterEach(() => planners.stop());

  const nano = async (): Promise<RunSpec> => supervisedSpec(await nanoStart());
  /** A run whose data take tens of seconds to make. */
  const huge = async (): Promise<Uint8Array> =>
    encodeRunSpec(
      parseRunSpec({
        ...runSpecFields(await nano()),
        steps: 4096,
        work: { kind: 'supervised', rows: 64, length: 64 },
      }),
    );

  it('gives the plan of planRun', async () => {
    const spec = await nano();
    const plan = await planners.plan(encodeRunSpec(spec), { budgetMs: 60_000 });
    expect(plan.terms).toEqual(planRun(spec).terms);
    expect(plan.dataRoots).toEqual(planRun(spec).dataRoots);
    expect(plan.given(1)).toEqual(planRun(spec).given(1));
  });

  it('ends what exceeds its budget, keeps the event loop free meanwhile, and plans the next', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 10);
    const planning = planners.plan(await huge(), { budgetMs: 1000 });
    await expect(planning).rejects.toThrow(PlanTimeoutError);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(20);
    expect(await planners.plan(encodeRunSpec(await nano()), { budgetMs: 60_000 })).toBeDefined();
  });

  it('plans a cheap run while a dear one takes its time, and can be called off', async () => {
    const abort = new AbortController();
    let ended = false;
    const dear = planners.plan(await huge(), { budgetMs: 60_000, signal: abort.signal }).finally(() => {
      ended = true;
    });
    const calledOff = expect(dear).rejects.toThrow('aborted');
    await planners.plan(encodeRunSpec(await nano()), { budgetMs: 60_000 });
    expect(ended).toBe(false);
    abort.abort();
    await calledOff;
  });
});
