/**
 * Concrete operand shapes of a node, worked out from its attributes alone. The engines size their launches
 * with it and `validate.ts` compares it with what a program declares.
 */
import { attributeOf } from './attributes.ts';
import type { Dimension, OperandSpec } from './operator-spec.ts';
import { specOf } from './operators.ts';
import type { DType, Node } from './program.ts';

/** What an operand of a node has to be. */
export interface OperandShape {
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** The operand may also be bf16. */
  readonly orBf16?: true;
  /** Element-wise operand: any shape with this element count fits. */
  readonly flat: boolean;
}

/** What all operands of a node have to be, in the order of the operator table. */
export interface NodeShapes {
  readonly inputs: readonly OperandShape[];
  readonly outputs: readonly OperandShape[];
}

type Size = (attribute: string) => number;

function lengthOf(dimension: Dimension, size: Size): number {
  if (typeof dimension === 'number') return dimension;
  const [whole = dimension, divisor] = dimension.split('/');
  const product = whole.split('*').reduce((length, name) => length * size(name), 1);
  return divisor === undefined ? product : product / Number(divisor);
}

/** The shapes that one operand of the table stands for: one, unless it is repeated. */
function shapesOf(operand: OperandSpec, size: Size): OperandShape[] {
  const { dtype, flat = false, transposedBy, repeat } = operand;
  const stored = operand.shape.map((dimension) => lengthOf(dimension, size));
  const shape = transposedBy !== undefined && size(transposedBy) === 1 ? stored.reverse() : stored;
  const resolved: OperandShape =
    dtype === 'weight' ? { shape, dtype: 'f32', orBf16: true, flat } : { shape, dtype, flat };
  return Array.from({ length: repeat === undefined ? 1 : size(repeat) }, () => resolved);
}

/**
 * The shapes and dtypes of a node's operands, in the order of `compute/repops/operators.ts`. Throws
 * ProgramError if an attribute is missing; their ranges are the business of `validateProgram`.
 */
export function resolveShapes(node: Pick<Node, 'op' | 'attributes'>): NodeShapes {
  const { inputs, outputs } = specOf(node.op);
  const size: Size = (attribute) => attributeOf(node, attribute);
  const resolve = (operands: Readonly<Record<string, OperandSpec>>): OperandShape[] =>
    Object.values(operands).flatMap((operand) => shapesOf(operand, size));
  return { inputs: resolve(inputs), outputs: resolve(outputs) };
}
