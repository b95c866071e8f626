import { afterAll, beforeAll, expect, test } from 'vitest';
import { add, canon, floatOf, mul, sub } from '../../repops/arithmetic.ts';
import { exp, log, MAX_FINITE, recip, sigmoid, sqrt } from '../../repops/functions.ts';
import type { OperatorName } from '../../repops/operators.ts';
import type { Attributes, Program, TensorSpec } from '../../repops/program.ts';
import type { Engine } from '../engine.ts';
import { generator } from '../testing/generator.ts';
import { createWasmEngine } from './engine.ts';

// The wasm functions leave out canon where it cannot matter (assembly/functions.ts says why); this looks for
// a counterexample over the whole range of bit patterns, through the operators that contain each function.
const COUNT = 1 << 18;

let engine: Engine;
beforeAll(async () => {
  engine = await createWasmEngine();
});
afterAll(() => engine.stop());

/** Arguments: any exponent, then [-2, 2], then [-90, 90]. */
function argumentsOf(seed: number): Float32Array {
  const random = generator(seed);
  return Float32Array.from({ length: COUNT }, (_, i) => {
    if (i % 3 === 0) return canon(floatOf(Math.floor(random() * 2 ** 32)));
    return canon((random() * 2 - 1) * (i % 3 === 1 ? 2 : 90));
  });
}

/** Runs one operator over bound tensors and reads `result`. */
async function apply(
  op: OperatorName,
  attributes: Attributes,
  inputs: Record<string, Float32Array>,
  outputs: Record<string, number>,
  result: string,
  shapes: Record<string, readonly number[]> = {},
): Promise<Float32Array> {
  const tensors: Record<string, TensorSpec> = {};
  for (const [name, data] of Object.entries(inputs)) {
    tensors[name] = { shape: shapes[name] ?? [data.length], dtype: 'f32', storage: 'bound' };
  }
  for (const [name, length] of Object.entries(outputs)) {
    tensors[name] ??= { shape: [length], dtype: 'f32', storage: 'bound' };
  }
  const program: Program = {
    name: op,
    tensors,
    nodes: [{ op, attributes, inputs: Object.keys(inputs), outputs: Object.keys(outputs) }],
  };
  const bindings = Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, dtype }]) => [name, engine.allocate(shape, dtype)]),
  );
  for (const [name, data] of Object.entries(inputs)) engine.write(bindings[name]!, data);
  await engine.run(program, bindings);
  const read = await engine.read(bindings[result]!);
  for (const tensor of Object.values(bindings)) engine.free(tensor);
  return Float32Array.from(read);
}

/** The first argument at which `actual` is not what `expected` gives. */
function counterexample(actual: Float32Array, expected: (i: number) => number): string | undefined {
  for (const [i, value] of actual.entries()) {
    const want = expected(i);
    if (!Object.is(value, want)) return `element ${i}: ${value} should be ${want}`;
  }
  return undefined;
}

const filled = (value: number): Float32Array => new Float32Array(COUNT).fill(value);

test('exp', async () => {
  const x = argumentsOf(1);
  const attributes = { N: COUNT, clipLow: 0, clipHigh: MAX_FINITE, ratioCap: MAX_FINITE };
  const inputs = { logprob: x, old: filled(0), advantage: filled(1), weight: filled(1) };
  const ratio = await apply('policy.coefficient', attributes, inputs, { coefficient: COUNT }, 'coefficient');
  expect(counterexample(ratio, (i) => exp(x[i]!))).toBeUndefined();
});

test('sigmoid', async () => {
  const x = argumentsOf(2);
  const y = await apply('swiglu', { len: COUNT }, { gate: x, up: filled(1) }, { y: COUNT }, 'y');
  expect(counterexample(y, (i) => mul(x[i]!, sigmoid(x[i]!)))).toBeUndefined();
});

test('log', async () => {
  const x = argumentsOf(3);
  const N = COUNT / 2;
  const lse = await apply('xent.lse', { N, V: 2 }, { logits: x }, { lse: N }, 'lse', { logits: [N, 2] });
  const expected = (i: number): number => {
    const [a, b] = [x[2 * i]!, x[2 * i + 1]!];
    const m = Math.max(a, b);
    return add(m, log(add(exp(sub(a, m)), exp(sub(b, m)))));
  };
  expect(counterexample(lse, expected)).toBeUndefined();
});

test('sqrt and recip', async () => {
  const [p, m, v] = [argumentsOf(4), argumentsOf(5), argumentsOf(6).map(Math.abs)];
  const attributes = {
    len: COUNT,
    beta1: 1,
    oneMinusBeta1: 0,
    beta2: 1,
    oneMinusBeta2: 0,
    eps: 0,
    weightDecay: 0,
  };
  const inputs = { p, g: filled(0), m, v, scale: Float32Array.of(1), hyper: Float32Array.of(1, 1, 1) };
  const stepped = await apply('adamw', attributes, inputs, { p: COUNT, m: COUNT, v: COUNT }, 'p');
  expect(counterexample(stepped, (i) => sub(p[i]!, mul(m[i]!, recip(sqrt(v[i]!)))))).toBeUndefined();
});
