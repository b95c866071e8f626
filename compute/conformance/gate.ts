/**
 * The gate: before an engine's results count for anything, it must give the specified bits for every
 * conformance case. A WebGPU device is tried operator by operator with its fastest kernels first.
 */
import { DeviceLostError, type Engine, EngineMemoryError, type Tensor } from '../engines/engine.ts';
import type { Variant, Variants } from '../engines/webgpu/shader/pipelines.ts';
import type { OperatorName } from '../repops/operators.ts';
import type { Node, Program, TensorSpec } from '../repops/program.ts';
import { CASES } from './cases.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { digestOf } from './digest.ts';
import { EXPECTED } from './expected.ts';

/** An engine with more than one kernel for an operator. */
export interface TunableEngine extends Engine {
  /** Uses these kernels from now on; the native one of an operator that is left out. */
  useVariants(variants: Variants): void;
  /** Compiles what a program needs, without running it. */
  prepare(program: Program): Promise<void>;
}

/** Whether an engine has more than one kernel for an operator. */
export function isTunable(engine: Engine): engine is TunableEngine {
  return 'useVariants' in engine && 'prepare' in engine;
}

/** What the gate found out about one operator. */
export interface OperatorVerdict {
  /**
   * The variant that was found to conform, or the last one tried; undefined for an engine that has only one.
   */
  readonly variant: Variant | undefined;
  readonly passed: boolean;
  readonly cases: number;
  /** Cases whose bits were wrong. */
  readonly mismatches: readonly string[];
  /** Why the operator did not run at all. */
  readonly error?: string;
}

/** What the gate found out about an engine. */
export interface GateVerdict {
  readonly passed: boolean;
  readonly operators: Readonly<Partial<Record<OperatorName, OperatorVerdict>>>;
  /** Cases compared, and how many had the specified bits. */
  readonly checks: number;
  readonly same: number;
  /** The verdict as a sentence for people. */
  readonly sentence: string;
}

/** What is judged, by which cases. */
export interface GateOptions {
  readonly engine: Engine;
  readonly cases?: readonly ConformanceCase[];
  /** Digest of each case's outputs by the case's name. Defaults to those of expected.ts. */
  readonly expected?: Readonly<Record<string, string>>;
  /** Called after each operator, for a progress bar. */
  readonly onOperator?: (op: OperatorName, verdict: OperatorVerdict) => void;
  readonly signal?: AbortSignal;
}

/**
 * Runs the conformance cases on an engine. Afterwards a tunable engine uses the variants that passed.
 * Resolves with the verdict, also if it is negative. Rejects if the device is lost or has no memory, and on
 * abort. Does not stop the engine.
 */
export async function runGate(options: GateOptions): Promise<GateVerdict> {
  const { engine, signal } = options;
  const expected = options.expected ?? EXPECTED;
  const suites = suitesOf(options.cases ?? CASES);
  const operators: Partial<Record<OperatorName, OperatorVerdict>> = {};
  const chosen: Partial<Record<OperatorName, Variant>> = {};
  const tunable = isTunable(engine) ? engine : undefined;
  if (tunable !== undefined) {
    tunable.useVariants(chosen);
    // Drivers compile in parallel. If one refuses a kernel, the run below reports it.
    for (const suite of suites) tunable.prepare(suite.program).catch(() => {});
  }
  for (const suite of suites) {
    signal?.throwIfAborted();
    let verdict = await runSuite(engine, suite, expected, tunable === undefined ? undefined : 'native');
    if (!verdict.passed && tunable !== undefined) {
      chosen[suite.op] = 'barrier';
      tunable.useVariants({ ...chosen });
      verdict = await runSuite(engine, suite, expected, 'barrier');
    }
    operators[suite.op] = verdict;
    options.onOperator?.(suite.op, verdict);
  }
  return summarise(operators);
}

/** All cases of one operator as one program, so that a device computes them in one submission. */
interface Suite {
  readonly op: OperatorName;
  readonly program: Program;
  readonly cases: readonly ConformanceCase[];
}

const prefixed = (index: number, name: string): string => `${index}.${name}`;

function suitesOf(cases: readonly ConformanceCase[]): readonly Suite[] {
  const byOperator = new Map<OperatorName, ConformanceCase[]>();
  for (const testCase of cases) {
    const list = byOperator.get(testCase.op);
    if (list === undefined) byOperator.set(testCase.op, [testCase]);
    else list.push(testCase);
  }
  return [...byOperator].map(([op, list]) => {
    const tensors: Record<string, TensorSpec> = {};
    const nodes: Node[] = [];
    for (const [index, { program }] of list.entries()) {
      for (const [name, spec] of Object.entries(program.tensors)) tensors[prefixed(index, name)] = spec;
      for (const node of program.nodes) {
        nodes.push({
          ...node,
          inputs: node.inputs.map((name) => prefixed(index, name)),
          outputs: node.outputs.map((name) => prefixed(index, name)),
        });
      }
    }
    return { op, program: { name: `conformance ${op}`, tensors, nodes }, cases: list };
  });
}

async function runSuite(
  engine: Engine,
  suite: Suite,
  expected: Readonly<Record<string, string>>,
  variant: Variant | undefined,
): Promise<OperatorVerdict> {
  const common = { variant, cases: suite.cases.length };
  try {
    const digests = await digestsOf(engine, suite);
    const mismatches = suite.cases
      .filter(({ name }, i) => digests[i] !== expected[name])
      .map(({ name }) => name);
    return { ...common, passed: mismatches.length === 0, mismatches };
  } catch (error) {
    if (error instanceof DeviceLostError || error instanceof EngineMemoryError) throw error;
    return {
      ...common,
      passed: false,
      mismatches: suite.cases.map(({ name }) => name),
      error: error instanceof Error ? error.message : String(error),
    };
  }
}

async function digestsOf(engine: Engine, suite: Suite): Promise<readonly string[]> {
  const bindings: Record<string, Tensor> = {};
  try {
    for (const [index, testCase] of suite.cases.entries()) {
      const inputs = testCase.inputs();
      for (const [name, spec] of Object.entries(testCase.program.tensors)) {
        const tensor = engine.allocate(spec.shape, spec.dtype);
        bindings[prefixed(index, name)] = tensor;
        const data = inputs[name];
        if (data !== undefined) engine.write(tensor, data);
      }
    }
    await engine.run(suite.program, bindings);
    return await Promise.all(
      suite.cases.map(async (testCase, index) => {
        const outputs = testCase.outputs.map((name) => bindings[prefixed(index, name)]);
        return digestOf(
          await Promise.all(
            outputs.filter((tensor) => tensor !== undefined).map((tensor) => engine.read(tensor)),
          ),
        );
      }),
    );
  } finally {
    for (const tensor of Object.values(bindings)) engine.free(tensor);
  }
}

function summarise(operators: Readonly<Partial<Record<OperatorName, OperatorVerdict>>>): GateVerdict {
  const all = Object.entries(operators);
  const checks = all.reduce((sum, [, verdict]) => sum + verdict.cases, 0);
  const same = checks - all.reduce((sum, [, verdict]) => sum + verdict.mismatches.length, 0);
  const failed = all.filter(([, verdict]) => !verdict.passed);
  const guarded = all.filter(([, verdict]) => verdict.passed && verdict.variant === 'barrier');
  const passed = failed.length === 0 && checks > 0;
  return { passed, operators, checks, same, sentence: sentenceOf() };

  function sentenceOf(): string {
    if (checks === 0) return 'Nothing was checked, so this engine is not used.';
    if (passed) {
      const note = guarded.length === 0 ? '' : `, ${listed(guarded)} with the guarded kernels`;
      return `All ${checks} checks gave the specified bits${note}.`;
    }
    const error = failed.find(([, verdict]) => verdict.error !== undefined)?.[1].error;
    const cause = error === undefined ? '' : ` (${error})`;
    return `${checks - same} of ${checks} checks gave wrong bits, in ${listed(failed)}${cause}, so this engine is not used.`;
  }
}

function listed(entries: readonly (readonly [string, OperatorVerdict])[]): string {
  const names = entries.map(([op]) => op);
  return names.length <= 3
    ? names.join(', ')
    : `${names.slice(0, 3).join(', ')} and ${names.length - 3} other operators`;
}
