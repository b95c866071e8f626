import { readFileSync } from 'node:fs';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { type AttributeNameOf, type AttributesOf, attributesOf, attributeWords } from './attributes.ts';
import { node } from './node.ts';
import { indexInputs, inPlaceInput, isIndexInput, mustBeInPlace, takesBf16 } from './operands.ts';
import { operatorProgram } from './operator-program.ts';
import { f32, operator, SIZE } from './operator-spec.ts';
import { JUDGE_DRAW, type JudgedOperator, OPERATOR_NAMES, type OperatorName, specOf } from './operators.ts';
import type { Node } from './program.ts';
import { ProgramError } from './program-error.ts';
import { resolveShapes } from './shapes.ts';
import { validateProgram } from './validate.ts';

describe('the operator table', () => {
  it('[RO-51] numbers operators as the judge contract does', () => {
    const source = readFileSync(new URL('../../contracts/src/judge/Operators.sol', import.meta.url), 'utf8');
    const constants = [...source.matchAll(/uint256 internal constant (\w+) = (\d+);/g)];
    const contract = Object.fromEntries(constants.map(([, name, number]) => [name, Number(number)]));
    const judged = OPERATOR_NAMES.filter((op) => specOf(op).judge !== undefined);
    const table = Object.fromEntries(
      judged.map((op) => [op.toUpperCase().replaceAll('.', '_'), specOf(op).judge]),
    );
    expect(contract).toEqual({ ...table, DRAW: JUDGE_DRAW });
    expect(constants).toHaveLength(judged.length + 1);
  });

  it('names indices, bf16 operands and aliases of every operator that has them', () => {
    const inputsWhere = (is: (op: OperatorName, input: number) => boolean) =>
      Object.fromEntries(
        OPERATOR_NAMES.map((op) => [
          op,
          Object.keys(specOf(op).inputs).flatMap((_, input) => (is(op, input) ? [input] : [])),
        ]).filter(([, inputs]) => inputs?.length !== 0),
      );
    expect(inputsWhere(isIndexInput)).toEqual({
      embed: [0],
      'embed.grad': [0],
      rope: [1],
      'rope.pairs': [1],
      attention: [3],
      'attention.grad.q': [3],
      'attention.grad.kv': [3],
      'cache.write': [2],
      'cache.write.rows': [2],
      'xent.logprob': [2],
      'xent.grad': [2],
      'dequant.int8': [0],
    });
    expect(OPERATOR_NAMES.filter(takesBf16)).toEqual(['embed', 'matmul']);
    expect(OPERATOR_NAMES.filter(mustBeInPlace)).toEqual(['cache.write', 'adamw', 'cache.write.rows']);
    expect([0, 1, 2].map((output) => inPlaceInput('adamw', output))).toEqual([0, 2, 3]);
    expect([inPlaceInput('add', 0), inPlaceInput('swiglu', 0), inPlaceInput('add', 1)]).toEqual([
      0,
      undefined,
      undefined,
    ]);
  });

  it('[RO-69] limits indices by the operand that they index', () => {
    expect(indexInputs({ op: 'embed', attributes: { N: 2, V: 7, D: 3 } })).toEqual([{ input: 0, limit: 7 }]);
    const rows = { B: 2, R: 3, Tk: 8, D: 4 };
    expect(indexInputs({ op: 'cache.write.rows', attributes: rows })).toEqual([{ input: 2, limit: 6 }]);
    expect(indexInputs({ op: 'add', attributes: { len: 1 } })).toEqual([]);
  });

  it('[RO-62] works shapes out: products, halves, quarters, transposes, repeats', () => {
    const shapesOf = (op: OperatorName, attributes: Record<string, number>) => {
      const { inputs, outputs } = resolveShapes({ op, attributes });
      return [inputs.map(({ shape }) => shape), outputs.map(({ shape }) => shape)];
    };
    const sizes = { M: 2, N: 3, K: 4, transposeA: 1, transposeB: 1 };
    expect(shapesOf('matmul', sizes)).toEqual([
      [
        [4, 2],
        [3, 4],
      ],
      [[2, 3]],
    ]);
    expect(shapesOf('matmul', { ...sizes, transposeA: 0, transposeB: 0 })[0]).toEqual([
      [2, 4],
      [4, 3],
    ]);
    const rotation = { N: 5, heads: 2, headDim: 6, P: 9, inverse: 0 };
    expect(shapesOf('rope', rotation)[0]).toEqual([[5, 12], [5], [9, 3], [9, 3]]);
    expect(shapesOf('quant.int8', { N: 3, D: 8 })).toEqual([[[3, 8]], [[3, 2], [3]]]);
    expect(shapesOf('clip.scale', { count: 3, maxNorm: 1 })[0]).toEqual([[1], [1], [1]]);
    expect(() => shapesOf('embed', { N: 1, V: 2 })).toThrow(ProgramError);
  });

  it('[RO-51] gives the judge sizes and flags as they are and constants by their bits', () => {
    const attributes = { N: 2, V: 9, invTemperature: 0.5, greedy: 1 };
    expect(attributeWords({ op: 'sample', attributes })).toEqual([2, 9, 0x3f000000, 1]);
    expect(() => attributeWords({ op: 'sample', attributes: { N: 2 } })).toThrow(/attribute V is missing/);
  });

  it.each(OPERATOR_NAMES)('gives %s a program that is valid', (op) => {
    const attributes = Object.fromEntries(Object.keys(specOf(op).attributes).map((name) => [name, 1]));
    if (op.startsWith('rope')) attributes.headDim = 2;
    if (op.endsWith('int8')) attributes.D = 4;
    validateProgram(operatorProgram(op, attributes));
    validateProgram(operatorProgram(op, attributes, { inPlace: true }));
  });
});

describe('the types that follow from the table', () => {
  it('are the names of each operator', () => {
    expectTypeOf<keyof AttributesOf<'matmul'>>().toEqualTypeOf<
      'M' | 'N' | 'K' | 'transposeA' | 'transposeB'
    >();
    expectTypeOf<keyof AttributesOf<'rope' | 'embed'>>().toEqualTypeOf<'N'>();
    expectTypeOf<AttributeNameOf<'rms.rstd', 'f32'>>().toEqualTypeOf<'invD' | 'eps'>();
    expectTypeOf<'sample'>().toExtend<JudgedOperator>();
    expectTypeOf<'sample.filter'>().not.toExtend<JudgedOperator>();
  });

  it('do not let a misspelt or missing attribute compile', () => {
    const product = node('matmul', { M: 1, N: 1, K: 1, transposeA: 0, transposeB: 0 }, ['a', 'b'], ['c']);
    expectTypeOf(product).toEqualTypeOf<Node<'matmul'>>();
    // @ts-expect-error transposeB is missing
    node('matmul', { M: 1, N: 1, K: 1, transposeA: 0 }, ['a', 'b'], ['c']);
    // @ts-expect-error lenght is misspelt
    node('add', { lenght: 1 }, ['a', 'b'], ['c']);
    // @ts-expect-error matmul has no attribute D
    expect(attributesOf(product).D).toBeUndefined();
    expect(attributesOf(product).M).toBe(1);
  });

  it('do not let a table with a missing row compile', () => {
    const all = Object.fromEntries(OPERATOR_NAMES.map((op) => [op, 1])) as Record<OperatorName, number>;
    const { matmul: _, ...rest } = all;
    // @ts-expect-error the row of matmul is missing
    const missing: Record<OperatorName, number> = rest;
    expect(missing).not.toHaveProperty('matmul');
  });

  it('do not let a row name what it does not have', () => {
    const attributes = { N: SIZE };
    const [inputs, outputs] = [{ x: f32('N') }, { y: f32('N') }];
    const row = operator({ judge: undefined, attributes, inputs, outputs });
    // @ts-expect-error the row has no attribute D
    operator({ judge: undefined, attributes, inputs: { x: f32('N', 'D') }, outputs });
    // @ts-expect-error the row has no input z
    const inPlace: typeof row.inPlace = { kind: 'allowed', pairs: { y: 'z' } };
    expect(inPlace?.pairs).toEqual({ y: 'z' });
    // @ts-expect-error the row has no attribute R
    operator({ judge: undefined, attributes, inputs, outputs, atMost: [['R', 'N']] });
  });
});
