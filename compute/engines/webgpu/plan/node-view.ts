/** One node of a program as its planner sees it. */
import { must } from '../../../../protocol/must.ts';
import { type AttributesOf, attributesOf } from '../../../repops/attributes.ts';
import { type OperatorName, type OperatorRow, specOf } from '../../../repops/operators.ts';
import { type Node, type Program, tensorOf } from '../../../repops/program.ts';
import type { Tuning } from '../tuning/tuning.ts';
import type { Operand, Step } from './steps.ts';

type InputName<Op extends OperatorName> = keyof OperatorRow<Op>['inputs'] & string;
type OutputName<Op extends OperatorName> = keyof OperatorRow<Op>['outputs'] & string;

/** A view of a union of operators has the attributes and operands that all of them have. */
export interface NodeView<Op extends OperatorName> {
  readonly attributes: AttributesOf<Op>;
  /** Inputs by their names in the operator table. Of a repeated input, the first. */
  readonly inputs: { readonly [Name in InputName<Op>]: Operand };
  readonly outputs: { readonly [Name in OutputName<Op>]: Operand };
  /** All inputs in the order of the node. */
  readonly inputList: readonly Operand[];
  /** The prepacked copy of an input whose N columns lie along k, if there is one. */
  prepacked(input: InputName<Op>, N: number, K: number): Operand | undefined;
  /** Whether an input is stored as bf16, two elements a word. */
  isBf16(input: InputName<Op>): boolean;
  /** Whether an output is the tensor of an input. */
  isInPlace(output: OutputName<Op>, input: InputName<Op>): boolean;
  /** New scratch memory of `words` words. */
  scratch(words: number): Operand;
  /** The kernel shapes chosen for this device. */
  readonly tuning: Tuning;
}

/** Gives the steps of one node of a program that `validateProgram` accepted. */
export type Planner<Op extends OperatorName> = (node: NodeView<Op>) => readonly Step[];
export type Planners<Op extends OperatorName = OperatorName> = { readonly [O in Op]: Planner<O> };

/** What is known of the bound tensors besides the program: the sides of the matrices that have a copy. */
export type PrepackedSides = ReadonlyMap<string, { readonly N: number; readonly K: number }>;

export interface NodeViewOptions<Op extends OperatorName> {
  readonly node: Node<Op>;
  readonly program: Program;
  readonly tuning: Tuning;
  readonly scratch: (words: number) => Operand;
  readonly prepacked: PrepackedSides;
}

/**
 * The view of a node of a program that `validateProgram` accepted. Throws ProgramError if an attribute is
 * missing, and RangeError if an operand is.
 */
export function viewOf<Op extends OperatorName>(options: NodeViewOptions<Op>): NodeView<Op> {
  const { node, program, tuning, scratch, prepacked } = options;
  const spec = specOf(node.op);
  const inputNames = tensorsByName<InputName<Op>>(Object.keys(spec.inputs), node.inputs);
  const outputNames = tensorsByName<OutputName<Op>>(Object.keys(spec.outputs), node.outputs);
  return {
    attributes: attributesOf(node),
    inputs: operandsByName(inputNames),
    outputs: operandsByName(outputNames),
    inputList: node.inputs.map(operandOf),
    prepacked: (input, N, K) => {
      const name = inputNames[input];
      const sides = prepacked.get(name);
      return sides?.N === N && sides.K === K ? { kind: 'prepacked', name } : undefined;
    },
    isBf16: (input) => tensorOf(program, inputNames[input]).dtype === 'bf16',
    isInPlace: (output, input) => outputNames[output] === inputNames[input],
    scratch,
    tuning,
  };
}

function operandOf(name: string): Operand {
  return { kind: 'tensor', name };
}

type ByName<Name extends string, T> = { readonly [N in Name]: T };

/** Names of tensors by the names of the operands, which are those of the operator's row in its order. */
function tensorsByName<Name extends string>(
  names: readonly string[],
  tensors: readonly string[],
): ByName<Name, string> {
  const entries = names.map((name, index) => [name, must(tensors, index)]);
  return Object.fromEntries(entries) as ByName<Name, string>;
}

function operandsByName<Name extends string>(tensors: ByName<Name, string>): ByName<Name, Operand> {
  const entries = Object.entries<string>(tensors).map(([name, tensor]) => [name, operandOf(tensor)]);
  return Object.fromEntries(entries) as ByName<Name, Operand>;
}
