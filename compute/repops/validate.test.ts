import { describe, expect, it } from 'vitest';
import { MAX_FOLD, MAX_HEAD, MAX_NODES, MAX_NORMS } from './limits.ts';
import { node } from './node.ts';
import { operatorProgram } from './operator-program.ts';
import type { Attributes, Node, Program, TensorSpec } from './program.ts';
import { ProgramError } from './program-error.ts';
import { validateBindings, validateProgram } from './validate.ts';

const f32 = (shape: number[], storage: TensorSpec['storage'] = 'bound'): TensorSpec => ({
  shape,
  dtype: 'f32',
  storage,
});
const u32 = (shape: number[]): TensorSpec => ({ shape, dtype: 'u32', storage: 'bound' });
const bf16 = (shape: number[]): TensorSpec => ({ shape, dtype: 'bf16', storage: 'bound' });
const TENSORS: Readonly<Record<string, TensorSpec>> = {
  a: f32([2, 3]),
  b: f32([3, 4]),
  c: f32([2, 4]),
  t: f32([2, 4], 'temporary'),
  u: f32([2, 4], 'temporary'),
  ids: u32([2]),
};
const SIZES = { M: 2, N: 4, K: 3, transposeA: 0, transposeB: 0 };
const product = node('matmul', SIZES, ['a', 'b'], ['t']);
const add = (x: string, y: string, z: string): Node => node('add', { len: 8 }, [x, y], [z]);

/** A program over TENSORS. */
const over = (...nodes: Node[]): Program => ({ name: 'test', tensors: TENSORS, nodes });
/** A program of one node over tensors of its own. */
const one = (tensors: Program['tensors'], only: Node): Program => ({ name: 'test', tensors, nodes: [only] });
/** The product with other attributes. */
const productWith = (changes: Readonly<Record<string, number | undefined>>): Program =>
  over({ ...product, attributes: { ...SIZES, ...changes } as Attributes });
const filterWith = (changes: Partial<Record<'topK' | 'topP' | 'invTemperature', number>>): Program =>
  over(
    node('sample.filter', { N: 2, V: 4, topK: 0, topP: 0.5, invTemperature: 1, ...changes }, ['c'], ['t']),
  );

type Case = readonly [what: string, program: Program, message: RegExp];
function refused(_: string, program: Program, message: RegExp): void {
  expect(() => validateProgram(program)).toThrow(ProgramError);
  expect(() => validateProgram(program)).toThrow(message);
}

describe('validateProgram', () => {
  it('accepts what keeps the rules', () => {
    validateProgram(over(product, add('t', 'c', 't'), add('t', 't', 'c')));
    validateProgram(filterWith({}));
    validateProgram(one({ ...TENSORS, b: bf16([3, 4]) }, product));
  });

  it.each<Case>([
    ['an unknown operator', over({ ...product, op: 'toString' } as unknown as Node), /unknown operator/],
    ['a missing attribute', productWith({ K: undefined }), /attribute K is missing/],
    ['an unknown attribute', productWith({ k: 3 }), /unknown attribute k/],
    [
      'an inherited attribute',
      over({ ...product, attributes: Object.create(SIZES) as Attributes }),
      /attribute M is missing/,
    ],
  ])('[RO-60] refuses %s', refused);

  it.each<Case>([
    ['a size of zero', productWith({ K: 0 }), /integer from 1/],
    ['a fractional size', productWith({ K: 1.5 }), /integer from 1/],
    ['a huge size', productWith({ M: 2 ** 30 + 1 }), /to 1073741824/],
    ['a size that is no number', productWith({ M: Number.NaN }), /integer from 1/],
    ['a flag of two', productWith({ transposeA: 2 }), /0 or 1/],
    [
      'a constant that is not f32',
      one(
        { x: f32([1, 2]), y: f32([1]) },
        node('rms.rstd', { N: 1, D: 2, invD: 0.5, eps: 0.1 }, ['x'], ['y']),
      ),
      /eps must be a canonical f32/,
    ],
    [
      'an infinite constant',
      one({ x: f32([1]), y: f32([1]) }, node('clip.scale', { count: 1, maxNorm: Infinity }, ['x'], ['y'])),
      /maxNorm must be a canonical f32/,
    ],
    ['a top-p of nothing', filterWith({ topP: 0 }), /above 0 and at most 1/],
    ['a top-p above 1', filterWith({ topP: 1.5 }), /above 0 and at most 1/],
    ['a negative top-k', filterWith({ topK: -1 }), /integer from 0/],
    ['a negative temperature', filterWith({ invTemperature: -1 }), /must not be negative/],
    [
      'a head that does not divide into pairs',
      over(node('rope', { N: 1, heads: 1, headDim: 3, P: 1, inverse: 0 }, ['a', 'a', 'a', 'a'], ['c'])),
      /headDim must be a multiple of 2/,
    ],
    ['bytes that fill no word', over(node('quant.int8', { N: 1, D: 6 }, ['a'], ['c', 't'])), /multiple of 4/],
    [
      'a part of a group of heads',
      over(
        node(
          'attention',
          { B: 1, Tq: 1, Tk: 1, heads: 3, kvHeads: 2, headDim: 2, scale: 1 },
          ['a', 'a', 'a', 'a'],
          ['c', 't'],
        ),
      ),
      /heads must be a multiple of kvHeads/,
    ],
    [
      'more rows than a cache holds',
      one(
        { k: f32([4, 2]), x: f32([5, 2]), p: u32([1]) },
        node('cache.write.rows', { B: 1, R: 5, Tk: 4, D: 2 }, ['k', 'x', 'p'], ['k']),
      ),
      /R must be at most Tk/,
    ],
  ])('[RO-61] refuses %s', refused);

  it.each<Case>([
    ['a shape that does not fit', productWith({ K: 4 }), /tensor a has shape \[2,3\]/],
    ['a shape transposed', productWith({ transposeA: 1 }), /tensor a has shape/],
    [
      'a wrong dtype',
      over(node('add', { len: 2 }, ['ids', 'ids'], ['c'])),
      /ids is u32, the operator needs f32/,
    ],
    ['too few inputs', over({ ...product, inputs: ['a'] }), /takes 2 inputs/],
    ['too many outputs', over({ ...product, outputs: ['t', 'u'] }), /gives 1 outputs/],
    ['an undeclared tensor', over({ ...product, inputs: ['a', 'x'] }), /x is not declared/],
    ['an inherited name', over({ ...product, inputs: ['a', 'constructor'] }), /not declared/],
    [
      'a name that is none',
      over({ ...product, inputs: ['a', undefined] as unknown as string[] }),
      /undefined is not declared/,
    ],
    [
      'bf16 where the operator needs f32',
      one({ ...TENSORS, a: bf16([2, 3]) }, product),
      /tensor a is bf16, the operator needs f32/,
    ],
    ['a negative length', { name: 'test', tensors: { x: f32([-1]) }, nodes: [] }, /bad shape/],
    ['a length of zero', { name: 'test', tensors: { x: f32([0]) }, nodes: [] }, /bad shape/],
  ])('[RO-62] refuses %s', refused);

  it('[RO-6] refuses bf16 as a result', () => {
    refused('', one({ ...TENSORS, t: bf16([2, 4]) }, product), /tensor t is bf16/);
  });

  it.each<Case>([
    ['a temporary read before it is written', over(add('t', 'c', 'u'), product), /reads t before/],
    ['a tensor written twice', over(product, product), /second time/],
    [
      'a tensor that is output twice',
      over(node('swiglu.grad', { len: 8 }, ['c', 'c', 'c'], ['t', 't'])),
      /twice/,
    ],
  ])('[RO-63] refuses %s', refused);

  it.each<readonly [Node['op'], Attributes, RegExp]>([
    ['matmul', { ...SIZES, K: MAX_FOLD + 1 }, /K is folded and must be at most 1048576/],
    ['bias.grad', { N: MAX_FOLD + 1, D: 1 }, /N is folded and must be at most 1048576/],
    ['embed.grad', { N: MAX_FOLD + 1, V: 1, D: 1 }, /N is folded/],
    ['rms.rstd', { N: 1, D: MAX_FOLD + 1, invD: 1, eps: 1 }, /D is folded/],
    ['rms.grad.x', { N: 1, D: MAX_FOLD + 1, invD: 1 }, /D is folded/],
    ['rms.grad.gain', { N: MAX_FOLD + 1, D: 1 }, /N is folded/],
    [
      'attention',
      { B: 1, Tq: 1, Tk: MAX_FOLD + 1, heads: 1, kvHeads: 1, headDim: 2, scale: 1 },
      /Tk is folded/,
    ],
    [
      'attention.grad.q',
      { B: 1, Tq: 1, Tk: MAX_FOLD + 1, heads: 1, kvHeads: 1, headDim: 2, scale: 1 },
      /Tk is folded/,
    ],
    [
      'attention.grad.kv',
      { B: 1, Tq: MAX_FOLD + 1, Tk: 1, heads: 1, kvHeads: 1, headDim: 2, scale: 1 },
      /Tq is folded/,
    ],
    ['xent.lse', { N: 1, V: MAX_FOLD + 1 }, /V is folded/],
    ['sample', { N: 1, V: MAX_FOLD + 1, invTemperature: 1, greedy: 0 }, /V is folded/],
    ['sample.filter', { N: 1, V: MAX_FOLD + 1, topK: 0, topP: 1, invTemperature: 1 }, /V is folded/],
    ['loss.weighted', { N: MAX_FOLD + 1 }, /N is folded/],
  ])('[RO-64] bounds what %s folds', (op, attributes, message) => {
    refused('', over({ op, attributes, inputs: [], outputs: [] }), message);
  });

  it('[RO-64] bounds no norm.square', () => {
    validateProgram(operatorProgram('norm.square', { len: MAX_FOLD + 1 }));
  });

  it('[RO-65] bounds heads, norms, tensors and nodes', () => {
    const delta = { N: 1, heads: 1, headDim: MAX_HEAD + 1 };
    refused('', over(node('attention.delta', delta, [], [])), /headDim must be at most 8192/);
    const norms = node('clip.scale', { count: MAX_NORMS + 1, maxNorm: 1 }, [], []);
    refused('', over(norms), /count must be at most 32768/);
    refused('', { name: 'test', tensors: { x: f32([2 ** 16, 2 ** 16]) }, nodes: [] }, /more than 1073741824/);
    const nodes = new Array<Node>(MAX_NODES + 1).fill(product);
    refused('', { name: 'test', tensors: TENSORS, nodes }, /more than 65536 nodes/);
  });

  it.each<Case>([
    ['that aliases the wrong input', over(product, add('c', 't', 't')), /in place/],
    ['that aliases both inputs', over(product, add('t', 't', 't')), /in place/],
    [
      'of an operator that has no place to work in',
      over(product, node('swiglu', { len: 8 }, ['t', 'c'], ['t'])),
      /swiglu cannot do in place/,
    ],
  ])('[RO-66] refuses an output %s', refused);

  it.each<Case>([
    [
      'cache.write',
      one(
        { k: f32([4, 2]), o: f32([4, 2]), x: f32([1, 2]), p: u32([1]) },
        node('cache.write', { B: 1, Tk: 4, D: 2 }, ['k', 'x', 'p'], ['o']),
      ),
      /works in place: output 0 must be tensor k/,
    ],
    [
      'cache.write.rows',
      one(
        { k: f32([4, 2]), o: f32([4, 2]), x: f32([2, 2]), p: u32([1]) },
        node('cache.write.rows', { B: 1, R: 2, Tk: 4, D: 2 }, ['k', 'x', 'p'], ['o']),
      ),
      /works in place: output 0 must be tensor k/,
    ],
    [
      'adamw',
      one(
        {
          ...Object.fromEntries('pgmvo'.split('').map((name) => [name, f32([2])])),
          s: f32([1]),
          h: f32([3]),
        },
        node(
          'adamw',
          { len: 2, beta1: 0, oneMinusBeta1: 1, beta2: 0, oneMinusBeta2: 1, eps: 1, weightDecay: 0 },
          ['p', 'g', 'm', 'v', 's', 'h'],
          ['p', 'o', 'v'],
        ),
      ),
      /works in place: output 1 must be tensor m/,
    ],
  ])('[RO-67] wants %s in place', refused);
});

describe('validateBindings', () => {
  const good = over(product, add('t', 't', 'c'));
  const tensor = (shape: number[], dtype = 'f32') => ({ shape, dtype });
  const bindings = { a: tensor([2, 3]), b: tensor([12]), c: tensor([2, 4]), ids: tensor([2], 'u32') };

  it('[RO-68] accepts the same element count and names the program does not know', () => {
    validateBindings(good, { ...bindings, other: tensor([1]) });
  });

  it('[RO-68] refuses a missing tensor, a wrong size and a wrong dtype', () => {
    const { a: _, ...rest } = bindings;
    expect(() => validateBindings(good, rest)).toThrow(/tensor a was not supplied/);
    expect(() => validateBindings(good, { ...bindings, a: tensor([2, 4]) })).toThrow(/tensor a is bound to/);
    expect(() => validateBindings(good, { ...bindings, a: tensor([2, 3], 'u32') })).toThrow(/needs f32/);
  });

  it('[RO-68] refuses one tensor under two names when the program writes it', () => {
    const square: Program = {
      name: 'square',
      tensors: { x: f32([8]), y: f32([8]), z: f32([8]) },
      nodes: [add('x', 'y', 'z')],
    };
    const [one, two] = [tensor([8]), tensor([8])];
    validateBindings(square, { x: one, y: one, z: two });
    expect(() => validateBindings(square, { x: one, y: two, z: one })).toThrow(/one tensor/);
  });
});
