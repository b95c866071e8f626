/** One conformance case on one engine, and how two engines differ on it: for the tables and for explaining a failure. */
import type { Engine, Tensor } from '../engines/engine.ts';
import type { TensorData } from '../engines/tensor-data.ts';
import type { ConformanceCase } from './cases.ts';

export type Outputs = readonly TensorData[];

/** The outputs of a case, in the order of `outputs`. */
export async function runCase(engine: Engine, testCase: ConformanceCase): Promise<Outputs> {
  const inputs = testCase.inputs();
  const bindings: Record<string, Tensor> = {};
  try {
    for (const [name, spec] of Object.entries(testCase.program.tensors)) {
      const tensor = engine.allocate(spec.shape, spec.dtype);
      bindings[name] = tensor;
      const data = inputs[name];
      if (data !== undefined) engine.write(tensor, data);
    }
    await engine.run(testCase.program, bindings);
    const outputs: TensorData[] = [];
    for (const name of testCase.outputs) {
      const tensor = bindings[name];
      if (tensor !== undefined) outputs.push(await engine.read(tensor));
    }
    return outputs;
  } finally {
    for (const tensor of Object.values(bindings)) engine.free(tensor);
  }
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
