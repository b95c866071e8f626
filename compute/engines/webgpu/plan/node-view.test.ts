import { describe, expect, expectTypeOf, it } from 'vitest';
import type { Node, Program } from '../../../repops/program.ts';
import { ProgramError } from '../../engine.ts';
import { DEFAULT_TUNING } from '../tuning/tuning.ts';
import { type AttributesOf, attributesOf, viewOf } from './node-view.ts';

const node: Node = { op: 'bias.add', attributes: { N: 2, D: 3 }, inputs: ['x', 'bias'], outputs: ['x'] };
const program: Program = {
  name: 'bias',
  tensors: {
    x: { shape: [2, 3], dtype: 'f32', storage: 'bound' },
    bias: { shape: [3], dtype: 'bf16', storage: 'bound' },
  },
  nodes: [node],
};

describe('attributesOf', () => {
  it('gives the attributes that the operator table names', () => {
    const attributes = attributesOf('bias.add', node);
    expect(attributes).toEqual({ N: 2, D: 3 });
    expectTypeOf(attributes).toEqualTypeOf<{ readonly N: number; readonly D: number }>();
    // @ts-expect-error bias.add has no attribute V
    expectTypeOf<AttributesOf<'bias.add'>['V']>();
  });

  it('throws ProgramError where the node lacks one', () => {
    const lacking: Node = { ...node, attributes: { N: 2 } };
    expect(() => attributesOf('bias.add', lacking)).toThrow(ProgramError);
    expect(() => attributesOf('bias.add', lacking)).toThrow(/bias\.add lacks the attribute D/);
  });
});

describe('viewOf', () => {
  const view = viewOf({
    op: 'bias.add',
    node,
    program,
    tuning: DEFAULT_TUNING,
    scratch: (words) => ({ kind: 'scratch', id: 0, words }),
  });

  it('gives operands by position, and throws where there is none', () => {
    expect(view.input(1)).toEqual({ kind: 'tensor', name: 'bias' });
    expect(view.output(0)).toEqual({ kind: 'tensor', name: 'x' });
    expect(() => view.input(2)).toThrow(RangeError);
    expect(() => view.output(1)).toThrow(RangeError);
    expect(() => view.isBf16(2)).toThrow(RangeError);
  });

  it('knows dtypes and which output is an input', () => {
    expect([view.isBf16(0), view.isBf16(1)]).toEqual([false, true]);
    expect([view.isInPlace(0, 0), view.isInPlace(0, 1)]).toEqual([true, false]);
  });
});
