import type { AttributesOf } from './attributes.ts';
import type { OperatorName } from './operators.ts';
import type { Node } from './program.ts';

/**
 * An application of an operator: a missing or misspelt attribute does not compile. Inputs and outputs are
 * names of tensors, in the order of the operator table. `validateProgram` checks values, shapes and names.
 */
export function node<Op extends OperatorName>(
  op: Op,
  attributes: AttributesOf<Op>,
  inputs: readonly string[],
  outputs: readonly string[],
): Node<Op> {
  return { op, attributes, inputs, outputs };
}
