/** Facts about an operator's operands by position, as programs and the judge number them. */
import { attributeOf } from './attributes.ts';
import { type OperatorName, specOf } from './operators.ts';
import type { Node } from './program.ts';

/** Whether an input holds u32 words, which are indices, positions or packed bytes, and not f32. */
export function isIndexInput(op: OperatorName, input: number): boolean {
  return Object.values(specOf(op).inputs)[input]?.dtype === 'u32';
}

/** Whether an input of the operator may be bf16. */
export function takesBf16(op: OperatorName): boolean {
  return Object.values(specOf(op).inputs).some(({ dtype }) => dtype === 'weight');
}

/** An input that holds indices into another operand. */
export interface IndexInput {
  /** Which input of the node holds the indices. */
  readonly input: number;
  /** Every index must be below this. */
  readonly limit: number;
}

/**
 * Inputs of a node that index another operand. An engine must not read outside that operand, whatever the
 * indices. Positions of attention are not among them: a position past the last key means the last key.
 */
export function indexInputs(node: Pick<Node, 'op' | 'attributes'>): IndexInput[] {
  return Object.values(specOf(node.op).inputs).flatMap(({ index }, input) => {
    if (index === undefined) return [];
    const span = index.span === undefined ? 1 : attributeOf(node, index.span);
    return [{ input, limit: attributeOf(node, index.below) - span + 1 }];
  });
}

/** Whether the operator's outputs must be tensors that it reads. */
export function mustBeInPlace(op: OperatorName): boolean {
  return specOf(op).inPlace?.kind === 'required';
}

/** The input whose tensor output `output` may be, or must be; undefined if no input's. */
export function inPlaceInput(op: OperatorName, output: number): number | undefined {
  const { inputs, outputs, inPlace } = specOf(op);
  const name = Object.keys(outputs)[output];
  const alias = name === undefined ? undefined : inPlace?.pairs[name];
  return alias === undefined ? undefined : Object.keys(inputs).indexOf(alias);
}
