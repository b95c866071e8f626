/** One node as the builders of steps.ts see it, and what they make of it. */
import { must } from '../../../protocol/must.ts';
import {
  type AttributeNameOf,
  type AttributesOf,
  attributeOf,
  attributesOf,
} from '../../repops/attributes.ts';
import { type OperatorName, type OperatorRow, specOf } from '../../repops/operators.ts';
import { type Node, type Program, tensorOf } from '../../repops/program.ts';
import type { Opcode } from './assembly/opcodes.ts';

/**
 * One 32-bit argument of a step: an integer, an f32 constant, or an address that is only known when the
 * program runs.
 */
export type Argument =
  | number
  | { readonly f32: number }
  | { readonly tensor: string; readonly bytes: number }
  | { readonly scratch: number }
  /** The prepacked copy of a tensor that holds a matrix of N columns along K; 0 while there is none. */
  | { readonly prepacked: string; readonly N: number; readonly K: number };

/** One launch of a kernel. Its arguments are in the order that the kernel in assembly/ documents. */
export interface Step {
  readonly opcode: Opcode;
  readonly args: readonly Argument[];
}

export interface NodeSteps {
  readonly steps: readonly Step[];
  /** Bytes of scratch memory that the steps need while they run. */
  readonly scratchBytes: number;
}

export interface NodeView<Op extends OperatorName> {
  readonly attributes: AttributesOf<Op>;
  /** An f32 attribute as an argument. */
  constant(name: AttributeNameOf<Op, 'f32'>): Argument;
  /** The address of an input, `bytes` (0 by default) from its beginning. */
  input(name: keyof OperatorRow<Op>['inputs'] & string, bytes?: number): Argument;
  /** The address of an output, `bytes` (0 by default) from its beginning. */
  output(name: keyof OperatorRow<Op>['outputs'] & string, bytes?: number): Argument;
  /** The address of the prepacked copy of an input whose N columns lie along k, or 0. */
  prepacked(name: keyof OperatorRow<Op>['inputs'] & string, N: number, K: number): Argument;
  /** Addresses of all inputs in the order of the node. */
  readonly inputs: readonly Argument[];
  /** Addresses of all outputs in the order of the node. */
  readonly outputs: readonly Argument[];
  /** All integer attributes in the order of the operator table. */
  readonly integers: readonly Argument[];
  /** All f32 attributes in the order of the operator table. */
  readonly constants: readonly Argument[];
  /** Whether an input is stored as bf16. */
  isBf16(name: keyof OperatorRow<Op>['inputs'] & string): boolean;
  /** Threads that will run the steps. */
  readonly threads: number;
}

/** The view of a node of a validated program. */
export function viewOf<Op extends OperatorName>(
  node: Node<Op>,
  program: Program,
  threads: number,
): NodeView<Op> {
  const spec = specOf(node.op);
  const attributes = attributesOf(node);
  const address = (tensor: string, bytes = 0): Argument => ({ tensor, bytes });
  const named = (specs: Readonly<Record<string, unknown>>, tensors: readonly string[], name: string) =>
    must(tensors, Object.keys(specs).indexOf(name));
  // In the order of the table: a node may have its attributes in any order.
  const valuesOf = (isConstant: boolean): number[] =>
    Object.entries(spec.attributes)
      .filter(([, { kind }]) => (kind === 'f32') === isConstant)
      .map(([name]) => attributeOf(node, name));
  return {
    attributes,
    constant: (name) => ({ f32: attributes[name] }),
    input: (name, bytes) => address(named(spec.inputs, node.inputs, name), bytes),
    output: (name, bytes) => address(named(spec.outputs, node.outputs, name), bytes),
    prepacked: (name, N, K) => ({ prepacked: named(spec.inputs, node.inputs, name), N, K }),
    inputs: node.inputs.map((tensor) => address(tensor)),
    outputs: node.outputs.map((tensor) => address(tensor)),
    integers: valuesOf(false),
    constants: valuesOf(true).map((f32) => ({ f32 })),
    isBf16: (name) => tensorOf(program, named(spec.inputs, node.inputs, name)).dtype === 'bf16',
    threads,
  };
}
