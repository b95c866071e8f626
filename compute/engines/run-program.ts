/** Runs a program once over data on the host: for conformance cases, tests and tools. */
import { must } from '../../protocol/must.ts';
import type { Program } from '../repops/program.ts';
import { ProgramError } from '../repops/program-error.ts';
import type { Engine, RunOptions, Tensor } from './engine.ts';
import type { TensorData } from './tensor-data.ts';

/**
 * Allocates a program's bound tensors, writes `data` by name (tensors without data are zero), runs it, reads
 * the tensors `outputs` in their order, and frees everything again. Throws what the engine throws, and
 * ProgramError for an output that is no bound tensor.
 */
export async function runProgram(
  engine: Engine,
  program: Program,
  data: Readonly<Record<string, TensorData>>,
  outputs: readonly string[],
  options: RunOptions = {},
): Promise<TensorData[]> {
  const bindings: Record<string, Tensor> = {};
  try {
    for (const [name, { shape, dtype, storage }] of Object.entries(program.tensors)) {
      if (storage !== 'bound') continue;
      const tensor = engine.allocate(shape, dtype);
      bindings[name] = tensor;
      const values = data[name];
      if (values !== undefined) engine.write(tensor, values);
    }
    await engine.run(program, bindings, options);
    const results: TensorData[] = [];
    for (const name of outputs) {
      const tensor = bindings[name];
      if (tensor === undefined) throw new ProgramError(`${program.name}: ${name} is no bound tensor`);
      results.push(await engine.read(tensor));
    }
    return results;
  } finally {
    for (const tensor of Object.values(bindings)) engine.free(tensor);
  }
}

/** As `runProgram` for a program of one node, whose outputs it reads in the node's order. */
export async function runOperator(
  engine: Engine,
  program: Program,
  inputs: readonly TensorData[],
): Promise<TensorData[]> {
  const node = must(program.nodes, 0);
  const data = Object.fromEntries(inputs.map((values, i) => [must(node.inputs, i), values]));
  return runProgram(engine, program, data, node.outputs);
}
