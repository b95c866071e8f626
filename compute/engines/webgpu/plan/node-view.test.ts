import { describe, expect, expectTypeOf, it } from 'vitest';
import { node } from '../../../repops/node.ts';
import type { Program } from '../../../repops/program.ts';
import { ProgramError } from '../../../repops/program-error.ts';
import { DEFAULT_TUNING } from '../tuning/tuning.ts';
import { type NodeView, viewOf } from './node-view.ts';
import type { Operand } from './steps.ts';

const embed = node('embed', { N: 2, V: 3, D: 4 }, ['ids', 'table'], ['rows']);
const program: Program = {
  name: 'lookup',
  tensors: {
    ids: { shape: [2], dtype: 'u32', storage: 'bound' },
    table: { shape: [3, 4], dtype: 'bf16', storage: 'bound' },
    rows: { shape: [2, 4], dtype: 'f32', storage: 'bound' },
  },
  nodes: [embed],
};
const shared = {
  program,
  tuning: DEFAULT_TUNING,
  scratch: (words: number): Operand => ({ kind: 'scratch', id: 0, words }),
  prepacked: new Map(),
};
const tensor = (name: string): Operand => ({ kind: 'tensor', name });

describe('viewOf', () => {
  it('gives attributes and operands by the names of the operator table', () => {
    const view = viewOf({ ...shared, node: embed });
    expect(view.attributes).toEqual({ N: 2, V: 3, D: 4 });
    expect(view.inputs).toEqual({ ids: tensor('ids'), table: tensor('table') });
    expect(view.outputs).toEqual({ y: tensor('rows') });
    expect(view.inputList).toEqual([tensor('ids'), tensor('table')]);
    expectTypeOf(view.attributes).toEqualTypeOf<{
      readonly N: number;
      readonly V: number;
      readonly D: number;
    }>();
    expectTypeOf(view.inputs).toEqualTypeOf<{ readonly ids: Operand; readonly table: Operand }>();
  });

  it('does not compile with a name that the operator does not have', () => {
    expectTypeOf<NodeView<'embed'>['attributes']>().not.toHaveProperty('K');
    expectTypeOf<NodeView<'embed'>['inputs']>().not.toHaveProperty('x');
    expectTypeOf<NodeView<'rope' | 'rope.pairs'>['inputs']>().toHaveProperty('cos');
    // @ts-expect-error the input is called table
    const isBf16 = (view: NodeView<'embed'>): boolean => view.isBf16('weights');
    expect(() => isBf16(viewOf({ ...shared, node: embed }))).toThrow(ProgramError);
  });

  it('knows which inputs are bf16', () => {
    const view = viewOf({ ...shared, node: embed });
    expect([view.isBf16('ids'), view.isBf16('table')]).toEqual([false, true]);
  });

  it('knows which output is an input', () => {
    const add = node('add', { len: 2 }, ['a', 'b'], ['a']);
    const view = viewOf({ ...shared, node: add });
    expect([view.isInPlace('y', 'a'), view.isInPlace('y', 'b')]).toEqual([true, false]);
  });

  it('gives a repeated input as a list', () => {
    const clip = node('clip.scale', { count: 2, maxNorm: 1 }, ['s', 't'], ['scale']);
    const view = viewOf({ ...shared, node: clip });
    expect(view.inputs.sums).toEqual(tensor('s'));
    expect(view.inputList).toEqual([tensor('s'), tensor('t')]);
  });

  it('throws where an attribute or an operand is missing', () => {
    const noWidth = { ...embed, attributes: { N: 2, V: 3 } };
    expect(() => viewOf({ ...shared, node: noWidth })).toThrow(ProgramError);
    expect(() => viewOf({ ...shared, node: noWidth })).toThrow(/embed: attribute D is missing/);
    expect(() => viewOf({ ...shared, node: { ...embed, inputs: ['ids'] } })).toThrow(RangeError);
    expect(() => viewOf({ ...shared, node: { ...embed, outputs: [] } })).toThrow(RangeError);
  });
});
