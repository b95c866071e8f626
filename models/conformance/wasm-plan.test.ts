import { expect, test } from 'vitest';
import { rootsPlan } from '../../compute/engines/wasm/hash-plan.ts';
import { compilePlan } from '../../compute/engines/wasm/plan.ts';
import type { Node, Program, TensorSpec } from '../../compute/repops/program.ts';
import { NANO_CONFIG } from '../decoder/config.ts';
import { trainingProgram } from '../decoder/decoder.ts';

const N = 1000;

/** x -> t0 -> t1 -> ... -> y by additions, each temporary living for two nodes. */
function chain(length: number): Program {
  const tensors: Record<string, TensorSpec> = {
    x: { shape: [N], dtype: 'f32', storage: 'bound' },
    y: { shape: [N], dtype: 'f32', storage: 'bound' },
  };
  const nodes: Node[] = [];
  for (let i = 0; i < length; i++) {
    const output = i === length - 1 ? 'y' : `t${i}`;
    if (output !== 'y') tensors[output] = { shape: [N], dtype: 'f32', storage: 'temporary' };
    const input = i === 0 ? 'x' : `t${i - 1}`;
    nodes.push({ op: 'add', attributes: { len: N }, inputs: [input, input], outputs: [output] });
  }
  return { name: 'chain', tensors, nodes };
}

test('a long chain of temporaries needs the memory of two', () => {
  const plan = compilePlan(chain(20), 1);
  expect(plan.starts).toHaveLength(20);
  expect(plan.arenaBytes).toBe(2 * 4032);
});

test('a temporary keeps its memory until its last reader', () => {
  const program = chain(6);
  const last = program.nodes[5]!;
  const late: Program = {
    ...program,
    nodes: [...program.nodes.slice(0, 5), { ...last, inputs: ['t0', 't4'] }],
  };
  expect(compilePlan(late, 1).arenaBytes).toBe(3 * 4032);
});

test('a large product is cut into chunks whose scratch memory is bounded', () => {
  const [M, K] = [3000, 4864];
  const program: Program = {
    name: 'large',
    tensors: {
      a: { shape: [M, K], dtype: 'f32', storage: 'bound' },
      b: { shape: [K, M], dtype: 'f32', storage: 'bound' },
      c: { shape: [M, M], dtype: 'f32', storage: 'bound' },
    },
    nodes: [
      {
        op: 'matmul',
        attributes: { M, N: M, K, transposeA: 0, transposeB: 0 },
        inputs: ['a', 'b'],
        outputs: ['c'],
      },
    ],
  };
  const plan = compilePlan(program, 2);
  expect(plan.starts.length).toBeGreaterThan(20);
  expect(plan.arenaBytes).toBeLessThan(5 * 2 ** 20);
});

test('programs and trees of short steps are small, those worth several threads are not', () => {
  const training = (batch: number) =>
    compilePlan(trainingProgram(NANO_CONFIG, { batch, length: 32, objective: 'supervised' }), 2);
  expect(compilePlan(chain(20), 2).small).toBe(true);
  expect(training(1).small).toBe(true);
  expect(training(16).small).toBe(false);
  expect(rootsPlan(new Array<number>(50).fill(300), 2).small).toBe(true);
  expect(rootsPlan([2 ** 20], 2).small).toBe(false);
});
