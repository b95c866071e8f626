import { canon } from '../../repops/arithmetic.ts';
import type { Node } from '../../repops/program.ts';
import { ProgramError } from '../engine.ts';
import type { TensorData } from '../tensor-data.ts';

export type Data = TensorData;

/** One application of an operator in the reference engine: attributes and operand data by position. */
export interface Call {
  /** An attribute. */
  attribute(name: string): number;
  /** Input `index` as f32; of a bf16 operand, its values as f32. */
  input(index: number): Float32Array;
  /** Input `index` as u32. */
  indices(index: number): Uint32Array;
  /** Output `index` as f32; may be the same array as an input where the operator works in place. */
  output(index: number): Float32Array;
  /** Output `index` as u32. */
  indexOutput(index: number): Uint32Array;
}

export type Operator = (call: Call) => void;

/** The call for a validated node over the data of its operands. */
export function callOf(node: Node, data: (name: string) => Data): Call {
  const floats = (name: string | undefined): Float32Array => {
    const found = data(name ?? '');
    if (found instanceof Float32Array) return found;
    throw new ProgramError(`${node.op}: tensor ${name} must be f32`);
  };
  const words = (name: string | undefined): Uint32Array => {
    const found = data(name ?? '');
    if (found instanceof Uint32Array) return found;
    throw new ProgramError(`${node.op}: tensor ${name} must be u32`);
  };
  return {
    attribute(name) {
      const value = node.attributes[name];
      if (value === undefined) throw new ProgramError(`${node.op}: attribute ${name} is missing`);
      return value;
    },
    input: (index) => {
      const found = data(node.inputs[index] ?? '');
      return found instanceof Uint16Array ? widened(found) : floats(node.inputs[index]);
    },
    indices: (index) => words(node.inputs[index]),
    output: (index) => floats(node.outputs[index]),
    indexOutput: (index) => words(node.outputs[index]),
  };
}

/** bf16 as f32: canon of the bits with 16 zeros below them. */
function widened(values: Uint16Array): Float32Array {
  const bits = Uint32Array.from(values, (value) => value << 16);
  return new Float32Array(bits.buffer).map(canon);
}

/** Throws ProgramError unless every index is below `limit`: no engine defines what an index out of range reads. */
export function checkIndices(indices: Uint32Array, limit: number, what: string): void {
  for (const [at, index] of indices.entries()) {
    if (index >= limit)
      throw new ProgramError(`${what} ${index} at ${at} is out of range; it must be below ${limit}`);
  }
}
