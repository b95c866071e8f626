/** Programs that are parts of a training step, to time against the whole. */

import type { Engine, Tensor } from '../compute/engines/engine.ts';
import type { Program, TensorSpec } from '../compute/repops/program.ts';
import { type DecoderConfig, NANO_CONFIG } from '../models/decoder/config.ts';
import { trainingProgram } from '../models/decoder/decoder.ts';
import type { Contestant } from './interleave.ts';

/** A model whose products weigh as they do in real ones, small enough for a processor: 512 wide, 4 layers. */
export const MEDIUM_CONFIG: DecoderConfig = {
  ...NANO_CONFIG,
  hiddenSize: 512,
  layers: 4,
  heads: 8,
  kvHeads: 2,
  headDim: 64,
  feedForward: 1408,
  context: 256,
};

export function stepProgram(config: DecoderConfig, batch: number, length: number): Program {
  return trainingProgram(config, { batch, length, objective: 'supervised' });
}

/**
 * The program's products alone, one after another as in the step. Operands of one shape are one bound tensor,
 * since what is in them does not matter, and results are temporaries.
 */
export function productsOf(program: Program): Program {
  const tensors: Record<string, TensorSpec> = {};
  const nodes = program.nodes
    .filter(({ op }) => op === 'matmul')
    .map((node, index) => {
      const inputs = node.inputs.map((name, position) => {
        const spec = program.tensors[name];
        if (spec === undefined) throw new Error(`${program.name} declares no ${name}`);
        const operand = `${position} ${spec.dtype} ${spec.shape.join(' ')}`;
        tensors[operand] = { ...spec, storage: 'bound' };
        return operand;
      });
      const output = program.tensors[node.outputs[0] ?? ''];
      if (output === undefined) throw new Error(`${program.name} declares no result of a product`);
      tensors[`product ${index}`] = { ...output, storage: 'temporary' };
      return { ...node, inputs, outputs: [`product ${index}`] };
    });
  return { name: `products of ${program.name}`, tensors, nodes };
}

/** Multiply-adds of a program's products, counted as two operations each. */
export function productOperations(program: Program): number {
  return program.nodes.reduce((sum, { op, attributes: { M = 0, N = 0, K = 0 } }) => {
    return op === 'matmul' ? sum + 2 * M * N * K : sum;
  }, 0);
}

export interface BoundContestant extends Contestant {
  readonly bindings: Readonly<Record<string, Tensor>>;
  close(): void;
}

/**
 * Runs a program again and again, and waits for the end by reading one word. Weights and states stay 0:
 * canonical arithmetic takes one path whatever the values. Positions do not: they say how many keys a row of
 * attention sees, so they count up as in a real step.
 */
export function programContestant(name: string, engine: Engine, program: Program): BoundContestant {
  const bound = Object.entries(program.tensors).filter(([, { storage }]) => storage === 'bound');
  const bindings: Record<string, Tensor> = {};
  for (const [tensor, { shape, dtype }] of bound) bindings[tensor] = engine.allocate(shape, dtype);
  for (const { op, attributes, inputs } of program.nodes) {
    const positions = op === 'attention' ? bindings[inputs[3] ?? ''] : undefined;
    const length = attributes.Tq ?? 1;
    if (positions === undefined) continue;
    engine.write(
      positions,
      Uint32Array.from({ length: positions.shape[0] ?? 0 }, (_, row) => row % length),
    );
  }
  // A tensor of its own: waiting must not cost the reading of a large one.
  const probe = engine.allocate([1], 'f32');
  return {
    name,
    bindings,
    async run() {
      await engine.run(program, bindings);
      await engine.read(probe);
    },
    close() {
      for (const tensor of [...Object.values(bindings), probe]) engine.free(tensor);
    },
  };
}
