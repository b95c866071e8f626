/**
 * Operators of the forward pass, on slices of Qwen2.5-0.5B's own shapes and random inputs, against
 * onnxruntime-web's f32 operators. Each operator gets the same inputs on both sides, so that nothing adds up
 * and each bound can be stated (u = 2^-24):
 *
 * - product: operands are on the lattice, so that terms are exact and only sums are rounded. Any order of n
 *   terms is within (n - 1) u sum|a b| of the exact sum (Higham, Accuracy and Stability of Numerical
 *   Algorithms, 4.2), so two orders are within twice that;
 * - everything else: a stated number of ulps, from the accuracy of the elementary functions (docs/repops.md)
 *   and the count of roundings.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine, Tensor } from '../../compute/engines/engine.ts';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { canon, lattice } from '../../compute/repops/arithmetic.ts';
import { recip, rsqrt } from '../../compute/repops/functions.ts';
import type { OperatorName } from '../../compute/repops/operators.ts';
import type { Attributes, Program } from '../../compute/repops/program.ts';
import { type Attribute, Graph } from './graph.ts';
import { readInstalledWasm } from './node-wasm.ts';
import { concatenated } from './protobuf.ts';
import { loadRuntime, type OnnxRuntime } from './runtime.ts';
import { word } from './testing/models.ts';

const U = 2 ** -24;
/** Qwen2.5-0.5B: width, inner width, width of a head. */
const [D, F, HEAD] = [896, 4864, 64];

let engine: Engine;
let runtime: OnnxRuntime;
beforeAll(async () => {
  engine = await createWasmEngine({ threads: 1 });
  runtime = await loadRuntime(await readInstalledWasm());
});
afterAll(() => engine.stop());

interface Value {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Values of both signs over about `octaves` powers of two, as activations have them. */
function values(shape: readonly number[], seed: number, octaves = 6): Value {
  const size = shape.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length: size }, (_, i) => {
    const mantissa = word(seed, i, 1) / 2 ** 31 - 1;
    return canon(mantissa * 2 ** ((word(seed, i, 2) % octaves) - octaves + 1));
  });
  return { shape, data };
}

/** One operator on our engine. */
async function ours(
  op: OperatorName,
  attributes: Attributes,
  inputs: Readonly<Record<string, Value>>,
  output: readonly number[],
): Promise<Float32Array> {
  const spec = (shape: readonly number[]) => ({ shape, dtype: 'f32', storage: 'bound' }) as const;
  const program: Program = {
    name: op,
    tensors: {
      ...Object.fromEntries(Object.entries(inputs).map(([name, { shape }]) => [name, spec(shape)])),
      y: spec(output),
    },
    nodes: [{ op, attributes, inputs: Object.keys(inputs), outputs: ['y'] }],
  };
  const bindings: Record<string, Tensor> = { y: engine.allocate(output, 'f32') };
  for (const [name, { shape, data }] of Object.entries(inputs)) {
    bindings[name] = engine.allocate(shape, 'f32');
    engine.write(bindings[name], data);
  }
  await engine.run(program, bindings);
  const y = bindings.y === undefined ? undefined : await engine.read(bindings.y);
  for (const tensor of Object.values(bindings)) engine.free(tensor);
  if (!(y instanceof Float32Array)) throw new TypeError(`${op} gives f32`);
  return y;
}

/** A graph over the same inputs in onnxruntime. */
async function theirs(
  inputs: Readonly<Record<string, Value>>,
  build: (graph: Graph) => string,
): Promise<Float32Array> {
  const graph = new Graph();
  for (const [name, { shape }] of Object.entries(inputs)) graph.input(name, 'f32', shape);
  graph.output(build(graph), 'f32', ['rows', 'columns']);
  const session = await runtime.open(concatenated(graph.finish('operator')));
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, data }]) => [
      name,
      new runtime.Tensor('float32', data, [...shape]),
    ]),
  );
  const [output] = Object.values(await session.run(feeds));
  await session.release();
  if (!(output?.data instanceof Float32Array)) throw new TypeError('the graph gives f32');
  return output.data;
}

const int = (value: number): Attribute => ({ kind: 'int', value });
const axes = (...value: number[]): Attribute => ({ kind: 'ints', value });

/** The largest |x - y| / bound. */
function worst(x: Float32Array, y: Float32Array, bound: (i: number) => number): number {
  expect(y.length).toBe(x.length);
  return x.reduce((most, value, i) => {
    const difference = Math.abs(value - (y[i] ?? Number.NaN));
    return difference === 0 ? most : Math.max(most, difference / bound(i));
  }, 0);
}

test.each([
  ['q, k, v and o', 3, 128, D],
  ['gate and up', 2, 320, D],
  ['down', 3, 96, F],
  ['a slice of the head', 1, 1999, D],
  ['queries and keys of a head', 37, 41, HEAD],
])('product: %s', async (_, M, N, K) => {
  const a = values([M, K], M + 1);
  const b = values([N, K], N + 2);
  const mine = await ours('matmul', { M, N, K, transposeA: 0, transposeB: 1 }, { a, b }, [M, N]);
  const onLattice = {
    a: { shape: a.shape, data: a.data.map(lattice) },
    b: { shape: b.shape, data: b.data.map(lattice) },
  };
  const other = await theirs(onLattice, (g) => g.node('Gemm', ['a', 'b'], { transB: int(1) }));
  const bound = (i: number): number => {
    let sum = 0;
    for (let k = 0; k < K; k++) {
      const x = onLattice.a.data[Math.floor(i / N) * K + k] ?? 0;
      sum += Math.abs(x * (onLattice.b.data[(i % N) * K + k] ?? 0));
    }
    return 2 * (K - 1) * U * sum;
  };
  const apart = worst(mine, other, bound);
  expect(apart).toBeLessThanOrEqual(1);
  // Without the rounding of operands the two are much further apart: the bound is not merely wide.
  const plain = await theirs({ a, b }, (g) => g.node('Gemm', ['a', 'b'], { transB: int(1) }));
  expect(worst(mine, plain, bound)).toBeGreaterThan(8 * apart);
});

test('RMSNorm over a row of 896: 8 ulps of the factor and of the product, and the sum of squares', async () => {
  const N = 5;
  const x = values([N, D], 3);
  const gain = values([D], 4, 2);
  const eps = canon(1e-6);
  const rstd = await ours('rms.rstd', { N, D, invD: recip(D), eps }, { x }, [N]);
  const factors: Value = { shape: [N], data: rstd };
  const mine = await ours('rms.apply', { N, D }, { x, rstd: factors, gain }, [N, D]);
  const other = await theirs({ x, gain }, (g) => {
    const mean = g.node('ReduceMean', [g.node('Mul', ['x', 'x'])], { axes: axes(-1) });
    const root = g.node('Sqrt', [g.node('Add', [mean, g.float(eps)])]);
    return g.node('Mul', [g.node('Div', ['x', root]), 'gain']);
  });
  // Squares are positive: their sum is within D u of itself in any order, its root within half of that on
  // either side.
  const relative = D * U + 8 * 2 * U;
  expect(worst(mine, other, (i) => relative * Math.abs(mine[i] ?? 0))).toBeLessThanOrEqual(1);
});

test('SwiGLU over 4,864: 8 ulps', async () => {
  const gate = values([1, F], 5, 9);
  const up = values([1, F], 6);
  const mine = await ours('swiglu', { len: F }, { gate, up }, [1, F]);
  const other = await theirs({ gate, up }, (g) =>
    g.node('Mul', [g.node('Mul', ['gate', g.node('Sigmoid', ['gate'])]), 'up']),
  );
  expect(worst(mine, other, (i) => 16 * U * Math.abs(mine[i] ?? 0))).toBeLessThanOrEqual(1);
});

test('log-softmax of a row of 151,936: 16 ulps of the larger of the logit and the log-sum', async () => {
  const V = 151_936;
  const logits = values([1, V], 7, 4);
  const lse = await ours('xent.lse', { N: 1, V }, { logits }, [1]);
  const other = await theirs({ logits }, (g) => g.node('LogSoftmax', ['logits'], { axis: int(-1) }));
  const mine = logits.data.map((x) => Math.fround(x - (lse[0] ?? 0)));
  // The sum of V positive exponentials is within V u of itself one after another, sqrt(V) u as it comes out
  // in blocks; its log takes that as it is.
  const absolute = 32 * U * (1 + Math.abs(lse[0] ?? 0)) + 2 * Math.sqrt(V) * U;
  expect(worst(mine, other, () => absolute)).toBeLessThanOrEqual(1);
});

test('softmax of attention scores, as q k^T scaled by 1/8: 16 ulps', async () => {
  const T = 61;
  const scores = values([1, T], 8, 4);
  const scale = rsqrt(HEAD);
  const lse = await ours(
    'xent.lse',
    { N: 1, V: T },
    { logits: { shape: [1, T], data: scores.data.map((x) => canon(x * scale)) } },
    [1],
  );
  const other = await theirs({ scores }, (g) =>
    g.node('LogSoftmax', [g.node('Mul', ['scores', g.float(1 / Math.sqrt(HEAD))])], { axis: int(-1) }),
  );
  const mine = scores.data.map((x) => Math.fround(canon(x * scale) - (lse[0] ?? 0)));
  expect(worst(mine, other, () => 32 * U * (1 + Math.abs(lse[0] ?? 0)))).toBeLessThanOrEqual(1);
});
