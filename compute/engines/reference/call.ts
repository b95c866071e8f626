/**
 * How the reference engine's implementations see a node: attributes and operand data by the names of the
 * operator table.
 */
import { must } from '../../../protocol/must.ts';
import { canon } from '../../repops/arithmetic.ts';
import { type AttributesOf, attributeOf, attributesOf } from '../../repops/attributes.ts';
import { indexInputs } from '../../repops/operands.ts';
import type { OperandSpec } from '../../repops/operator-spec.ts';
import { type OperatorName, type OperatorRow, specOf } from '../../repops/operators.ts';
import type { Node } from '../../repops/program.ts';
import { ProgramError } from '../../repops/program-error.ts';
import type { TensorData } from '../tensor-data.ts';

/** Data of one operand. An implementation sees bf16 as the f32 values that it stands for. */
type DataOf<Spec> = Spec extends { dtype: 'u32' } ? Uint32Array : Float32Array;
type OperandsOf<Specs> = {
  readonly [Name in keyof Specs]: Specs[Name] extends { repeat: string }
    ? readonly DataOf<Specs[Name]>[]
    : DataOf<Specs[Name]>;
};

/** One application of an operator. Of a union of operators: what all of them have. */
export interface Call<Op extends OperatorName> {
  readonly attributes: AttributesOf<Op>;
  readonly inputs: OperandsOf<OperatorRow<Op>['inputs']>;
  /** An output may be the same array as an input where the operator works in place. */
  readonly outputs: OperandsOf<OperatorRow<Op>['outputs']>;
}

/** An implementation: writes the outputs. */
export type Implementation<Op extends OperatorName> = (call: Call<Op>) => void;

type DataByName = (tensor: string) => TensorData;

/**
 * The call of a validated node over the data of its tensors. Throws ProgramError if an index is out of range.
 */
export function callOf<Op extends OperatorName>(node: Node<Op>, dataOf: DataByName): Call<Op> {
  checkIndices(node, dataOf);
  const { inputs, outputs } = specOf(node.op);
  // The rows of the operator table give the names, and a validated node has its tensors in their order and
  // dtypes.
  return {
    attributes: attributesOf(node),
    inputs: operandsOf(node, inputs, node.inputs, dataOf),
    outputs: operandsOf(node, outputs, node.outputs, dataOf),
  } as Call<Op>;
}

function operandsOf(
  node: Node,
  specs: Readonly<Record<string, OperandSpec>>,
  tensors: readonly string[],
  dataOf: DataByName,
): Record<string, TensorData | readonly TensorData[]> {
  const operands: Record<string, TensorData | readonly TensorData[]> = {};
  let position = 0;
  const next = (): TensorData => {
    const data = dataOf(must(tensors, position++));
    return data instanceof Uint16Array ? widened(data) : data;
  };
  for (const [name, { repeat }] of Object.entries(specs)) {
    operands[name] =
      repeat === undefined ? next() : Array.from({ length: attributeOf(node, repeat) }, () => next());
  }
  return operands;
}

/** bf16 as f32: canon of the bits with 16 zeros below them. */
function widened(values: Uint16Array): Float32Array {
  const bits = Uint32Array.from(values, (value) => value << 16);
  return new Float32Array(bits.buffer).map(canon);
}

/** No engine defines what an index out of range reads. */
function checkIndices(node: Node, dataOf: DataByName): void {
  for (const { input, limit } of indexInputs(node)) {
    const tensor = must(node.inputs, input);
    for (const [at, index] of dataOf(tensor).entries()) {
      if (index < limit) continue;
      throw new ProgramError(
        `${node.op}: index ${index} at ${at} of ${tensor} is out of range; it must be below ${limit}`,
      );
    }
  }
}
