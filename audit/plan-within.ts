/** Plans a run that a stranger specified: it can be called off at any moment, and it ends in time. */
import { planPieces, type RunPlan } from './run-plan.ts';
import type { RunSpec } from './run-spec.ts';

export interface PlanBudget {
  readonly signal?: AbortSignal | undefined;
  /** The most time for the plan, in ms. */
  readonly budgetMs: number;
  /** The clock that the budget is counted on, in ms. */
  readonly now: () => number;
  /** Awaited between pieces, so that messages and other work get their turn. */
  readonly letOthersIn: () => Promise<void>;
}

/** Planning a run took longer than it was given. */
export class PlanTimeoutError extends Error {
  override readonly name = 'PlanTimeoutError';

  constructor(budgetMs: number) {
    super(
      `Planning the run took longer than the ${Math.ceil(budgetMs / 1000)} s that a description is given. Make shorter runs of it.`,
    );
  }
}

/**
 * The plan of a run. Rejects with RunSpecError for a run that cannot be planned, with PlanTimeoutError once
 * the budget is spent, and with the signal's reason.
 */
export async function planWithin(spec: RunSpec, budget: PlanBudget): Promise<RunPlan> {
  const { signal, budgetMs, now, letOthersIn } = budget;
  const end = now() + budgetMs;
  const pieces = planPieces(spec);
  for (;;) {
    const next = pieces.next();
    if (next.done === true) return next.value;
    if (now() > end) throw new PlanTimeoutError(budgetMs);
    await letOthersIn();
    signal?.throwIfAborted();
  }
}
