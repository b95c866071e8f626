/**
 * One conformance case on one engine, and how two engines differ on it: for the tables and for explaining a
 * failure.
 */
import type { Engine } from '../engines/engine.ts';
import { runProgram } from '../engines/run-program.ts';
import type { TensorData } from '../engines/tensor-data.ts';
import type { ConformanceCase } from './conformance-case.ts';

export type Outputs = readonly TensorData[];

/** The outputs of a case, in the order of `outputs`. */
export function runCase(engine: Engine, testCase: ConformanceCase): Promise<Outputs> {
  return runProgram(engine, testCase.program, testCase.inputs(), testCase.outputs);
}

/** Words that differ between two runs of a case, and where the first one is. */
export function differences(got: Outputs, wanted: Outputs): { count: number; first: string | undefined } {
  let count = 0;
  let first: string | undefined;
  for (const [o, want] of wanted.entries()) {
    const a = got[o];
    const b = new Uint32Array(want.buffer, want.byteOffset, want.length);
    const words = a === undefined ? new Uint32Array(0) : new Uint32Array(a.buffer, a.byteOffset, a.length);
    for (let i = 0; i < b.length; i++) {
      if (words[i] === b[i]) continue;
      count++;
      first ??= `output ${o} element ${i}: ${hex(words[i])} instead of ${hex(b[i])}`;
    }
  }
  return { count, first };
}

function hex(word: number | undefined): string {
  return word === undefined ? 'nothing' : `0x${word.toString(16).padStart(8, '0')}`;
}
