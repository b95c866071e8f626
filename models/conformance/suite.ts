/**
 * The whole conformance suite on one engine: every case, training steps, and adapter steps. The same on every
 * host.
 */

import { digestOf } from '../../compute/conformance/digest.ts';
import { EXPECTED_LARGE } from '../../compute/conformance/expected-large.ts';
import { runGate } from '../../compute/conformance/gate.ts';
import { LARGE_CASES } from '../../compute/conformance/large-cases.ts';
import { runCase } from '../../compute/conformance/run-case.ts';
import type { Engine, EngineKind } from '../../compute/engines/engine.ts';
import { checkLora } from './lora-check.ts';
import {
  runTrainingCase,
  TRAINING_CASE_FULL_STEPS,
  TRAINING_CASE_ROOTS,
  TRAINING_CASE_STEPS,
} from './training-case.ts';

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
  /** Steps of the nano model. */
  readonly training?: StepsResult;
  /** Steps of adapters on a frozen bf16 model. */
  readonly lora?: StepsResult;
}

export interface StepsResult {
  readonly steps: number;
  /** Root of the checkpoint, and whether it is the committed one. */
  readonly root: string;
  readonly same: boolean;
  readonly seconds: number;
}

export interface SuiteOptions {
  readonly engine: Engine;
  /** Milliseconds. */
  readonly now: () => number;
  /** Also run the training cases; true by default. */
  readonly training?: boolean;
  /**
   * The large cases as well, 100 training steps instead of 20, and adapters of a model of 10 M parameters;
   * false by default.
   */
  readonly full?: boolean;
}

const WRONG_LISTED = 8;

/** Runs the suite. The engine is not stopped. Rejects when the device is lost. */
export async function runSuite(options: SuiteOptions): Promise<SuiteResult> {
  const { engine, now, full = false } = options;
  const start = now();
  const gate = await runGate({ engine });
  const large = full ? await largeMismatches(engine) : [];
  const verdicts = Object.entries(gate.operators);
  const mismatches = [...verdicts.flatMap(([, verdict]) => verdict.mismatches), ...large];
  const result: SuiteResult = {
    engine: engine.kind,
    device: engine.description,
    ops: verdicts.length,
    cases: gate.checks + (full ? LARGE_CASES.length : 0),
    mismatches: mismatches.length,
    wrong: mismatches.slice(0, WRONG_LISTED),
    guarded: verdicts.filter(([, { variant }]) => variant === 'barrier').map(([op]) => op),
    seconds: (now() - start) / 1000,
  };
  if (options.training === false) return result;
  const timed = async (run: () => Promise<Omit<StepsResult, 'seconds'>>): Promise<StepsResult> => {
    const from = now();
    return { ...(await run()), seconds: (now() - from) / 1000 };
  };
  return {
    ...result,
    training: await timed(() => checkTraining(engine, full)),
    lora: await timed(() => checkLora(engine, full ? 'full' : 'small')),
  };
}

/** Names of the large cases whose bits are not the reference's; one at a time, because they are large. */
async function largeMismatches(engine: Engine): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const testCase of LARGE_CASES) {
    const digest = digestOf(await runCase(engine, testCase));
    if (digest !== EXPECTED_LARGE[testCase.name]) wrong.push(testCase.name);
  }
  return wrong;
}

async function checkTraining(engine: Engine, full: boolean): Promise<Omit<StepsResult, 'seconds'>> {
  const steps = full ? TRAINING_CASE_FULL_STEPS : TRAINING_CASE_STEPS;
  const { root } = await runTrainingCase(engine, { steps });
  return { steps, root, same: root === TRAINING_CASE_ROOTS[steps] };
}
