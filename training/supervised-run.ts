/**
 * Makes a model from a seed by supervised learning. Every machine gets the same bits, whether the run went
 * through or was stopped and continued.
 */
import type { Engine } from '../compute/engines/engine.ts';
import { DEFAULT_OPTIMIZER } from '../models/decoder/adamw.ts';
import type { DecoderConfig } from '../models/decoder/config.ts';
import { initialParameters } from '../models/decoder/initialize.ts';
import { ModelSession } from '../models/decoder/model-session.ts';
import type { ModelState } from '../models/decoder/state.ts';
import { RandomStream } from '../protocol/philox.ts';
import { type Row, supervisedBatch } from './sequences.ts';

/** With the code, this decides the result. */
export interface SupervisedPlan {
  readonly config: DecoderConfig;
  /** Any text. Every random draw follows from it. */
  readonly seed: string;
  readonly steps: number;
  /** Standard deviation of an initial matrix. */
  readonly deviation: number;
  /** The learning rate of step 0 to steps - 1, the same on every machine. */
  learningRateAt(step: number): number;
  /** The rows of a step. They depend on nothing but the plan and the step. */
  rowsAt(step: number): readonly Row[];
}

/** The second moment has a shorter memory than in later training, because gradients change fast here. */
const OPTIMIZER = { ...DEFAULT_OPTIMIZER, beta2: 0.95 };

export interface SupervisedRunOptions {
  readonly engine: Engine;
  readonly plan: SupervisedPlan;
  /** Where an earlier run of the same plan stood. Defaults to the beginning. */
  readonly from?: ModelState;
  /** Stops after this many steps of the plan. Defaults to all of them. */
  readonly stopAfter?: number;
  /** Called after each step, counted from 0. A returned promise is awaited. */
  readonly afterStep?: (done: {
    readonly step: number;
    readonly loss: number;
    readonly session: ModelSession;
  }) => unknown;
  /** Stops after a step for which this is true. `steps` counts the steps taken. Defaults to false. */
  readonly stopWhen?: (session: ModelSession, steps: number) => Promise<boolean>;
  /** Aborts between two steps: the session is disposed, and the promise rejects with the reason. */
  readonly signal?: AbortSignal;
}

/** Runs a plan to its end. The caller disposes of the session. */
export async function runSupervised(options: SupervisedRunOptions): Promise<ModelSession> {
  const { engine, plan, from, signal } = options;
  const seed = new TextEncoder().encode(plan.seed);
  const initialisation = RandomStream.named({ seed, round: 0, device: '', purpose: 'initialisation' });
  const session = await ModelSession.create({
    engine,
    config: plan.config,
    parameters:
      from?.parameters ??
      initialParameters({
        config: plan.config,
        draw: (tensor, element, part) => initialisation.word(tensor, element, part),
        deviation: plan.deviation,
      }),
    optimizer: OPTIMIZER,
  });
  try {
    if (from !== undefined) await session.restore(from);
    const steps = Math.min(plan.steps, options.stopAfter ?? plan.steps);
    for (let step = from?.step ?? 0; step < steps; step++) {
      signal?.throwIfAborted();
      const batch = supervisedBatch(plan.rowsAt(step), plan.learningRateAt(step));
      const { loss } = await session.step(batch);
      await options.afterStep?.({ step, loss, session });
      if (await options.stopWhen?.(session, step + 1)) break;
    }
    return session;
  } catch (error) {
    await session.dispose();
    throw error;
  }
}
