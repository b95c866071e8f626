/** One node of a program as its planner sees it. */
import { must } from '../../../../protocol/must.ts';
import { OPERATORS, type OperatorName, type OperatorSpec } from '../../../repops/operators.ts';
import type { Node, Program } from '../../../repops/program.ts';
import { ProgramError } from '../../engine.ts';
import type { Tuning } from '../tuning/tuning.ts';
import type { Operand, Step } from './steps.ts';

type AttributeName<Op extends OperatorName> = (typeof OPERATORS)[Op]['attributes'][number];

/** The attributes of an operator by name. */
export type AttributesOf<Op extends OperatorName> = { readonly [A in AttributeName<Op>]: number };

/** What planners of every operator see of a node. */
export interface NodeOperands {
  input(index: number): Operand;
  output(index: number): Operand;
  readonly inputs: readonly Operand[];
  /** Whether an input is stored as bf16, two elements a word. */
  isBf16(input: number): boolean;
  /** Whether an output is the tensor of an input. */
  isInPlace(output: number, input: number): boolean;
  /** New scratch memory of `words` words. */
  scratch(words: number): Operand;
  /** The kernel shapes chosen for this device. */
  readonly tuning: Tuning;
}

export interface NodeView<Op extends OperatorName> extends NodeOperands {
  readonly attributes: AttributesOf<Op>;
}

/** Gives the steps of one node of a program that `validateProgram` accepted. */
export type Planner<Op extends OperatorName> = (node: NodeView<Op>) => readonly Step[];
export type Planners<Op extends OperatorName = OperatorName> = { readonly [O in Op]: Planner<O> };

/** The attributes of a node of operator `op`. Throws ProgramError if the node lacks one. */
export function attributesOf<Op extends OperatorName>(op: Op, node: Node): AttributesOf<Op> {
  const { attributes }: OperatorSpec = OPERATORS[op];
  const missing = attributes.find((name) => !Object.hasOwn(node.attributes, name));
  if (missing !== undefined) throw new ProgramError(`a node of ${op} lacks the attribute ${missing}`);
  return node.attributes as AttributesOf<Op>;
}

export interface NodeViewOptions<Op extends OperatorName> {
  readonly op: Op;
  readonly node: Node;
  readonly program: Program;
  readonly tuning: Tuning;
  readonly scratch: (words: number) => Operand;
}

/** The view throws RangeError where a planner asks for an operand that the node does not have. */
export function viewOf<Op extends OperatorName>(options: NodeViewOptions<Op>): NodeView<Op> {
  const { op, node, program, tuning, scratch } = options;
  const tensor = (name: string): Operand => ({ kind: 'tensor', name });
  return {
    attributes: attributesOf(op, node),
    input: (index) => tensor(must(node.inputs, index)),
    output: (index) => tensor(must(node.outputs, index)),
    inputs: node.inputs.map(tensor),
    isBf16: (index) => program.tensors[must(node.inputs, index)]?.dtype === 'bf16',
    isInPlace: (output, input) => must(node.outputs, output) === must(node.inputs, input),
    scratch,
    tuning,
  };
}
