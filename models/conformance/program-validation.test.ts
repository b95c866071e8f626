import { describe, expect, it } from 'vitest';
import type { Node, Program, TensorSpec } from '../../compute/repops/program.ts';
import { ProgramError } from '../../compute/repops/program-error.ts';
import { validateBindings, validateProgram } from '../../compute/repops/validate.ts';
import { NANO_CONFIG } from '../decoder/config.ts';
import { decodeProgram, trainingProgram } from '../decoder/decoder.ts';

const f32 = (shape: number[], storage: TensorSpec['storage'] = 'bound'): TensorSpec => ({
  shape,
  dtype: 'f32',
  storage,
});
const tensors: Record<string, TensorSpec> = {
  a: f32([2, 3]),
  b: f32([3, 4]),
  c: f32([2, 4]),
  t: f32([2, 4], 'temporary'),
  u: f32([2, 4], 'temporary'),
  ids: { shape: [2], dtype: 'u32', storage: 'bound' },
};
const sizes = { M: 2, N: 4, K: 3, transposeA: 0, transposeB: 0 };
const product: Node = { op: 'matmul', attributes: sizes, inputs: ['a', 'b'], outputs: ['t'] };
const add = (x: string, y: string, z: string): Node => ({
  op: 'add',
  attributes: { len: 8 },
  inputs: [x, y],
  outputs: [z],
});
const filter = (changes: Record<string, number>): Program => ({
  name: 'test',
  tensors,
  nodes: [
    {
      op: 'sample.filter',
      attributes: { N: 2, V: 4, topK: 0, topP: 0.5, invTemperature: 1, ...changes },
      inputs: ['c'],
      outputs: ['t'],
    },
  ],
});
const program = (...nodes: Node[]): Program => ({ name: 'test', tensors, nodes });

describe('validateProgram', () => {
  it('accepts the decoder', () => {
    const shape = { batch: 2, length: 8 };
    validateProgram(trainingProgram(NANO_CONFIG, { ...shape, objective: 'supervised' }));
    validateProgram(trainingProgram(NANO_CONFIG, { ...shape, objective: 'policy' }));
    validateProgram(
      decodeProgram(NANO_CONFIG, { batch: 3, cacheLength: 64, invTemperature: 1, greedy: false }),
    );
    validateProgram(program(product, add('t', 'c', 't'), add('t', 't', 'c')));
    validateProgram(filter({}));
    validateProgram({
      name: 'frozen weight',
      tensors: { ...tensors, b: { shape: [3, 4], dtype: 'bf16', storage: 'bound' } },
      nodes: [product],
    });
  });

  const attributes = (changes: Record<string, number | undefined>): Node =>
    ({ ...product, attributes: { ...sizes, ...changes } }) as Node;
  it.each<[string, Program, RegExp]>([
    ['an unknown operator', program({ ...product, op: 'toString' } as unknown as Node), /unknown operator/],
    ['a missing attribute', program(attributes({ K: undefined })), /attribute K is missing/],
    ['an unknown attribute', program(attributes({ k: 3 })), /unknown attribute k/],
    ['a size of zero', program(attributes({ K: 0 })), /integer from 1/],
    ['a fractional size', program(attributes({ K: 1.5 })), /integer from 1/],
    ['a flag of two', program(attributes({ transposeA: 2 })), /0 or 1/],
    ['a fold too long to be exact', program(attributes({ K: 2 ** 20 + 1 })), /at most 1048576/],
    ['a shape that does not fit', program(attributes({ K: 4 })), /tensor a has shape \[2,3\]/],
    ['a shape transposed', program(attributes({ transposeA: 1 })), /tensor a has shape/],
    [
      'a wrong dtype',
      program({ ...add('t', 'ids', 'c'), attributes: { len: 2 } }, product),
      /not|reads|needs/,
    ],
    ['too few inputs', program({ ...product, inputs: ['a'] }), /takes 2 inputs/],
    ['too many outputs', program({ ...product, outputs: ['t', 'u'] }), /gives 1 outputs/],
    ['an undeclared tensor', program({ ...product, inputs: ['a', 'x'] }), /x is not declared/],
    ['an inherited name', program({ ...product, inputs: ['a', 'constructor'] }), /not declared/],
    ['a temporary read before it is written', program(add('t', 'c', 'u'), product), /reads t before/],
    ['a tensor written twice', program(product, product), /second time/],
    ['an output that aliases the wrong input', program(product, add('c', 't', 't')), /in place/],
    ['an output that aliases both inputs', program(product, add('t', 't', 't')), /in place/],
    [
      'a constant that is not f32',
      {
        name: 'test',
        tensors: { x: f32([1, 2]), y: f32([1]) },
        nodes: [
          { op: 'rms.rstd', attributes: { N: 1, D: 2, invD: 0.5, eps: 0.1 }, inputs: ['x'], outputs: ['y'] },
        ],
      },
      /eps must be a canonical f32/,
    ],
    [
      'bf16 where the operator wants f32',
      {
        name: 'test',
        tensors: { ...tensors, a: { shape: [2, 3], dtype: 'bf16', storage: 'bound' } },
        nodes: [product],
      },
      /tensor a is bf16, the operator needs f32/,
    ],
    [
      'bf16 as a result',
      {
        name: 'test',
        tensors: { ...tensors, t: { shape: [2, 4], dtype: 'bf16', storage: 'bound' } },
        nodes: [product],
      },
      /tensor t is bf16/,
    ],
    ['a top-p of nothing', filter({ topP: 0 }), /above 0 and at most 1/],
    ['a top-p above 1', filter({ topP: 1.5 }), /above 0 and at most 1/],
    ['a negative top-k', filter({ topK: -1 }), /integer from 0/],
    ['a negative temperature', filter({ invTemperature: -1 }), /must not be negative/],
    [
      'more rows than a cache holds',
      {
        name: 'test',
        tensors: { k: f32([4, 2]), x: f32([5, 2]), p: { shape: [1], dtype: 'u32', storage: 'bound' } },
        nodes: [
          {
            op: 'cache.write.rows',
            attributes: { B: 1, R: 5, Tk: 4, D: 2 },
            inputs: ['k', 'x', 'p'],
            outputs: ['k'],
          },
        ],
      },
      /R must be at most Tk/,
    ],
    ['a bad shape', { name: 'test', tensors: { x: f32([-1]) }, nodes: [] }, /bad shape/],
    ['a huge tensor', { name: 'test', tensors: { x: f32([2 ** 16, 2 ** 16]) }, nodes: [] }, /more than/],
  ])('refuses %s', (_, bad, message) => {
    expect(() => validateProgram(bad)).toThrow(ProgramError);
    expect(() => validateProgram(bad)).toThrow(message);
  });

  it('wants adamw and cache.write in place', () => {
    const cache: Program = {
      name: 'cache',
      tensors: {
        k: f32([4, 2]),
        o: f32([4, 2]),
        x: f32([1, 2]),
        p: { shape: [1], dtype: 'u32', storage: 'bound' },
      },
      nodes: [
        { op: 'cache.write', attributes: { B: 1, Tk: 4, D: 2 }, inputs: ['k', 'x', 'p'], outputs: ['o'] },
      ],
    };
    expect(() => validateProgram(cache)).toThrow(/works in place/);
  });

  it('wants whole groups of heads and even heads to rotate', () => {
    const rope: Node = {
      op: 'rope',
      attributes: { N: 1, heads: 1, headDim: 3, P: 1, inverse: 0 },
      inputs: ['a', 'a', 'a', 'a'],
      outputs: ['c'],
    };
    expect(() => validateProgram(program(rope))).toThrow(/even/);
    const attention: Node = {
      op: 'attention',
      attributes: { B: 1, Tq: 1, Tk: 1, heads: 3, kvHeads: 2, headDim: 2, scale: 1 },
      inputs: ['a', 'a', 'a', 'a'],
      outputs: ['c', 't'],
    };
    expect(() => validateProgram(program(attention))).toThrow(/multiple of kvHeads/);
  });

  it.each<[Node['op'], Record<string, number>, RegExp]>([
    ['bias.grad', { N: 2 ** 20 + 1, D: 1 }, /N is folded and must be at most 1048576/],
    ['embed.grad', { N: 2 ** 20 + 1, V: 1, D: 1 }, /N is folded/],
    ['rms.rstd', { N: 1, D: 2 ** 20 + 1, invD: 1, eps: 1 }, /D is folded/],
    ['xent.lse', { N: 1, V: 2 ** 20 + 1 }, /V is folded/],
    ['sample.filter', { N: 1, V: 2 ** 20 + 1, topK: 0, topP: 1, invTemperature: 1 }, /V is folded/],
    ['loss.weighted', { N: 2 ** 20 + 1 }, /N is folded/],
    ['attention.delta', { N: 1, heads: 1, headDim: 2 ** 13 + 1 }, /headDim must be at most 8192/],
    ['clip.scale', { count: 2 ** 15 + 1, maxNorm: 1 }, /count must be at most 32768/],
  ])('bounds what %s folds', (op, attributes, message) => {
    const node: Node = { op, attributes, inputs: [], outputs: [] };
    expect(() => validateProgram(program(node))).toThrow(message);
  });
});

describe('validateBindings', () => {
  const good = program(product, add('t', 't', 'c'));
  const tensor = (shape: number[], dtype = 'f32') => ({ shape, dtype });
  const bindings = { a: tensor([2, 3]), b: tensor([12]), c: tensor([2, 4]), ids: tensor([2], 'u32') };

  it('accepts the same element count and names the program does not know', () => {
    validateBindings(good, { ...bindings, other: tensor([1]) });
  });

  it('refuses a missing tensor, a wrong size and a wrong dtype', () => {
    const { a: _, ...rest } = bindings;
    expect(() => validateBindings(good, rest)).toThrow(/tensor a was not supplied/);
    expect(() => validateBindings(good, { ...bindings, a: tensor([2, 4]) })).toThrow(/tensor a is bound to/);
    expect(() => validateBindings(good, { ...bindings, a: tensor([2, 3], 'u32') })).toThrow(/needs f32/);
  });

  it('refuses one tensor under two names when the program writes it', () => {
    const square: Program = {
      name: 'square',
      tensors: { x: f32([8]), y: f32([8]), z: f32([8]) },
      nodes: [{ op: 'add', attributes: { len: 8 }, inputs: ['x', 'y'], outputs: ['z'] }],
    };
    const [one, two] = [tensor([8]), tensor([8])];
    validateBindings(square, { x: one, y: one, z: two });
    expect(() => validateBindings(square, { x: one, y: two, z: one })).toThrow(/one tensor/);
  });
});
