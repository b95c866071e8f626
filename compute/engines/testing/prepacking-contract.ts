/**
 * What an engine that prepacks must do, as tests: rule [EN-17] of ../engine.ts. Part of engine-contract.ts.
 */
import { expect, it } from 'vitest';
import { must } from '../../../protocol/must.ts';
import { node } from '../../repops/node.ts';
import { operatorProgram } from '../../repops/operator-program.ts';
import type { Program } from '../../repops/program.ts';
import { type Bindings, type Engine, EngineError, type Tensor } from '../engine.ts';
import { canMeasure } from '../engine-memory.ts';
import { canPrepack, type PrepackingEngine } from '../prepacking.ts';
import { createReferenceEngine } from '../reference.ts';
import { runOperator } from '../run-program.ts';
import { dtypeOf, type TensorData } from '../tensor-data.ts';
import { FLAVOURS, operatorCase } from './operator-cases.ts';

/** Rows, columns and terms about the sides of panels, tiles and fold blocks. */
const SIZES = [
  [1, 1, 1],
  [1, 9, 63],
  [1, 40, 700],
  [1, 71, 129],
  [2, 33, 70],
  [2, 45, 131],
  [3, 33, 70],
  [8, 36, 300],
  [13, 67, 261],
] as const;

const product = (M: number, N: number, K: number) => ({ M, N, K, transposeA: 0, transposeB: 1 });

/** Binds the inputs and then the outputs of a program of one node. */
function bindingsOf(program: Program, tensors: readonly Tensor[]): Bindings {
  const { inputs, outputs } = must(program.nodes, 0);
  return Object.fromEntries([...inputs, ...outputs].map((name, i) => [name, must(tensors, i)]));
}

/** Tests that an engine keeps rule [EN-17]. */
export function describePrepackingContract(engineOf: () => Engine): void {
  const prepackingEngine = (): PrepackingEngine => {
    const engine = engineOf();
    if (!canPrepack(engine)) throw new TypeError(`${engine.kind} does not prepack`);
    return engine;
  };
  const put = (engine: Engine, data: TensorData, shape: readonly number[]): Tensor => {
    const tensor = engine.allocate(shape, dtypeOf(data));
    engine.write(tensor, data);
    return tensor;
  };
  const held = (engine: Engine): number => (canMeasure(engine) ? engine.memory().temporaries : 0);

  it('[EN-17] gives the bits of the plain product from a prepacked copy', async () => {
    const engine = prepackingEngine();
    const reference = createReferenceEngine();
    for (const [seed, [M, N, K]] of SIZES.entries()) {
      for (const flavour of ['extreme', must(FLAVOURS, seed % FLAVOURS.length)] as const) {
        for (const bf16 of [false, true]) {
          const { title, program, data } = operatorCase('matmul', product(M, N, K), { flavour, seed, bf16 });
          const [left, right] = [must(data, 0), must(data, 1)];
          const [a, b] = [put(engine, left, [M, K]), put(engine, right, [N, K])];
          const c = engine.allocate([M, N], 'f32');
          await engine.prepack(b);
          await engine.prepack(b);
          await engine.run(program, bindingsOf(program, [a, b, c]));
          expect(await engine.read(c), title).toEqual(must(await runOperator(reference, program, data), 0));
          expect(await engine.read(b), title).toEqual(right);
          for (const tensor of [a, b, c]) engine.free(tensor);
        }
      }
    }
    await reference.stop();
  });

  it('[EN-17] drops a copy with its memory when its matrix is written or freed', async () => {
    const engine = prepackingEngine();
    const [N, K] = [24, 64];
    const values = Float32Array.from({ length: N * K }, (_, i) => (i % 17) - 8);
    const doubled = values.map((x) => 2 * x);
    const row = Float32Array.from({ length: K }, (_, i) => (i % 5) - 2);
    const [a, b, more, c] = [
      put(engine, row, [1, K]),
      put(engine, values, [N, K]),
      put(engine, values, [N, K]),
      engine.allocate([1, N], 'f32'),
    ];
    const spec = (shape: readonly number[]) => ({ shape, dtype: 'f32', storage: 'bound' }) as const;
    const multiply: Program = {
      name: 'multiply',
      tensors: { a: spec([1, K]), b: spec([N, K]), c: spec([1, N]) },
      nodes: [node('matmul', product(1, N, K), ['a', 'b'], ['c'])],
    };
    // Writes the matrix and multiplies by what it wrote.
    const grow: Program = {
      ...multiply,
      name: 'grow',
      tensors: { ...multiply.tensors, more: spec([N, K]) },
      nodes: [node('add', { len: N * K }, ['b', 'more'], ['b']), ...multiply.nodes],
    };
    const once = async (program: Program): Promise<TensorData> => {
      await engine.run(program, { a, b, more, c });
      return engine.read(c);
    };
    const single = await once(multiply);
    const twice = Float32Array.from(single, (x) => 2 * x);
    await once(grow);
    engine.write(b, values);
    const before = held(engine);

    await engine.prepack(b);
    if (canMeasure(engine)) expect(held(engine)).toBeGreaterThanOrEqual(before + 2 * N * K);
    expect(await once(multiply)).toEqual(single);
    engine.write(b, doubled);
    expect(held(engine)).toBe(before);
    expect(await once(multiply)).toEqual(twice);

    engine.write(b, values);
    await engine.prepack(b);
    expect(await once(grow)).toEqual(twice);
    expect(held(engine)).toBe(before);
    expect(await once(multiply)).toEqual(twice);

    await engine.prepack(b);
    engine.free(b);
    expect(held(engine)).toBe(before);
    await expect(engine.prepack(b)).rejects.toThrow(EngineError);
    for (const tensor of [a, more, c]) engine.free(tensor);
  });

  it('[EN-17] takes matrices only, and uses a copy for products of its sides only', async () => {
    const engine = prepackingEngine();
    for (const [shape, dtype] of [
      [[12], 'f32'],
      [[2, 3, 2], 'f32'],
      [[3, 4], 'u32'],
    ] as const) {
      const tensor = engine.allocate(shape, dtype);
      await expect(engine.prepack(tensor)).rejects.toThrow(/Only a matrix/);
      engine.free(tensor);
    }
    const empty = engine.allocate([0, 3], 'f32');
    await engine.prepack(empty);
    engine.free(empty);

    // The program takes the matrix [6, 20] for one of [10, 12].
    const values = Float32Array.from({ length: 120 }, (_, i) => (i % 13) - 6);
    const row = Float32Array.from({ length: 12 }, (_, i) => i - 5);
    const [a, b, c] = [
      put(engine, row, [1, 12]),
      put(engine, values, [6, 20]),
      engine.allocate([1, 10], 'f32'),
    ];
    await engine.prepack(b);
    const program = operatorProgram('matmul', product(1, 10, 12));
    await engine.run(program, bindingsOf(program, [a, b, c]));
    const expected = Float32Array.from({ length: 10 }, (_, n) =>
      row.reduce((sum, x, k) => sum + x * must(values, n * 12 + k), 0),
    );
    expect(await engine.read(c)).toEqual(expected);
    for (const tensor of [a, b, c]) engine.free(tensor);
  });
}
