/** The whole conformance suite on one engine: every case, and 20 training steps. The same on every host. */
import type { Engine, EngineKind } from '../engines/engine.ts';
import { runGate } from './gate.ts';
import { runTrainingCase, TRAINING_CASE_ROOTS, TRAINING_CASE_STEPS } from './training-case.ts';

export interface SuiteResult {
  readonly engine: EngineKind;
  /** What computes, e.g. "WebGPU, google swiftshader". */
  readonly device: string;
  readonly ops: number;
  readonly cases: number;
  readonly mismatches: number;
  /** Names of the first cases whose bits were wrong. */
  readonly wrong: readonly string[];
  /** Operators that needed their guarded kernels. */
  readonly guarded: readonly string[];
  readonly seconds: number;
  readonly training?: {
    readonly steps: number;
    /** Root of the checkpoint, and whether it is the committed one. */
    readonly root: string;
    readonly same: boolean;
    readonly seconds: number;
  };
}

export interface SuiteOptions {
  readonly engine: Engine;
  /** Milliseconds. */
  readonly now: () => number;
  /** Also run the training case; true by default. */
  readonly training?: boolean;
}

const WRONG_LISTED = 8;

/** Runs the suite. The engine is not stopped. Rejects when the device is lost. */
export async function runSuite(options: SuiteOptions): Promise<SuiteResult> {
  const { engine, now } = options;
  const start = now();
  const gate = await runGate({ engine });
  const verdicts = Object.entries(gate.operators);
  const end = now();
  const result: SuiteResult = {
    engine: engine.kind,
    device: engine.description,
    ops: verdicts.length,
    cases: gate.checks,
    mismatches: gate.checks - gate.same,
    wrong: verdicts.flatMap(([, { mismatches }]) => mismatches).slice(0, WRONG_LISTED),
    guarded: verdicts.filter(([, { variant }]) => variant === 'barrier').map(([op]) => op),
    seconds: (end - start) / 1000,
  };
  if (options.training === false) return result;
  const { root } = await runTrainingCase(engine);
  const training = {
    steps: TRAINING_CASE_STEPS,
    root,
    same: root === TRAINING_CASE_ROOTS[TRAINING_CASE_STEPS],
    seconds: (now() - end) / 1000,
  };
  return { ...result, training };
}
