import { describe, expect, it } from 'vitest';
import { attributeWords } from '../compute/repops/attributes.ts';
import type { JudgedOperator } from '../compute/repops/operators.ts';
import type { Attributes } from '../compute/repops/program.ts';
import { resolveShapes } from '../compute/repops/shapes.ts';
import { judgeNumber } from './encode-program.ts';
import { neededLeaves } from './operand-reads.ts';

/** The leaves for an element of an output, as [input, leaf]. */
function leavesOf(op: JudgedOperator, attributes: Attributes, output: number, element: number) {
  const lengths = resolveShapes({ op, attributes }).inputs.map(({ shape }) => shape.reduce((a, b) => a * b));
  const words = attributeWords({ op, attributes });
  const node = { op: judgeNumber(op), output, length: 0, attributes: words, lengths };
  return neededLeaves({ node, inputs: [] }, element, undefined).map(({ input, leaf }) => [input, leaf]);
}

// Rows of 1,300 elements, in 325 words: the second begins in leaf 1 of x and ends in leaf 2.
const ROWS = { N: 3, D: 1300 };

describe('the leaves that the judge reads', () => {
  it('of a word of bytes are those of its whole row, for the scale is of all of it', () => {
    expect(leavesOf('quant.int8', ROWS, 0, 325)).toEqual([
      [0, 1],
      [0, 2],
    ]);
    expect(leavesOf('quant.int8', ROWS, 0, 324)).toEqual([
      [0, 0],
      [0, 1],
    ]);
    expect(leavesOf('quant.int8', ROWS, 1, 2)).toEqual([
      [0, 2],
      [0, 3],
    ]);
  });

  it('of an element that came back are its word and its scale', () => {
    const long = { N: 1100, D: 8 };
    expect(leavesOf('dequant.int8', long, 0, 8 * 1024 - 1)).toEqual([
      [0, 1],
      [1, 0],
    ]);
    expect(leavesOf('dequant.int8', long, 0, 8 * 1024)).toEqual([
      [0, 2],
      [1, 1],
    ]);
  });

  it('of what is computed element by element are its own', () => {
    expect(leavesOf('round.bf16', { len: 3000 }, 0, 2048)).toEqual([[0, 2]]);
    expect(leavesOf('add.scaled', { len: 3000, scale: 0.5 }, 0, 1023)).toEqual([
      [0, 0],
      [1, 0],
    ]);
  });
});
