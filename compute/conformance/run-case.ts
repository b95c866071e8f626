/** One conformance case on one engine. */
import type { Engine } from '../engines/engine.ts';
import { runProgram } from '../engines/run-program.ts';
import type { TensorData } from '../engines/tensor-data.ts';
import type { ConformanceCase } from './conformance-case.ts';

export type Outputs = readonly TensorData[];

/** The outputs of a case, in the order of `outputs`. */
export function runCase(engine: Engine, testCase: ConformanceCase): Promise<Outputs> {
  return runProgram(engine, testCase.program, testCase.inputs(), testCase.outputs);
}
