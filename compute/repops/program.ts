/**
 * A program is a list of operator applications in topological order over named tensors: data, not code. The
 * same program runs on every engine, is hashed into claims, and is what a dispute walks through.
 *
 * @example
 * ```ts
 * import { node } from './node.ts';
 * import type { Program } from './program.ts';
 * import { validateProgram } from './validate.ts';
 *
 * // y = x * w + bias
 * const program: Program = {
 *   name: 'affine',
 *   tensors: {
 *     x: { shape: [2, 3], dtype: 'f32', storage: 'bound' },
 *     w: { shape: [3, 4], dtype: 'f32', storage: 'bound' },
 *     bias: { shape: [4], dtype: 'f32', storage: 'bound' },
 *     product: { shape: [2, 4], dtype: 'f32', storage: 'temporary' },
 *     y: { shape: [2, 4], dtype: 'f32', storage: 'bound' },
 *   },
 *   nodes: [
 *     node('matmul', { M: 2, N: 4, K: 3, transposeA: 0, transposeB: 0 }, ['x', 'w'], ['product']),
 *     node('bias.add', { N: 2, D: 4 }, ['product', 'bias'], ['y']),
 *   ],
 * };
 * validateProgram(program); // throws ProgramError if the program breaks a rule
 * ```
 */
import type { OperatorName } from './operators.ts';
import { ProgramError } from './program-error.ts';

/**
 * `bf16` holds frozen weights at half the memory: the upper 16 bits of an f32. An operator that takes it
 * reads canon(bits << 16), so that any bits have a meaning. No operator writes it.
 */
export type DType = 'f32' | 'u32' | 'bf16';

/** Dense, row-major; f32 elements are canonical. */
export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: DType;
  /**
   * `bound`: the caller supplies the buffer (inputs, parameters, state, results).
   * `temporary`: lives only inside one run; an engine may reuse its memory.
   */
  readonly storage: 'bound' | 'temporary';
}

/**
 * Attributes are numbers only: integers for sizes, f32-representable values for constants, 0 or 1 for flags.
 */
export type Attributes = Readonly<Record<string, number>>;

/**
 * One application of an operator. `node` in node.ts makes one with the attributes' names checked by the
 * compiler.
 */
export interface Node<Op extends OperatorName = OperatorName> {
  readonly op: Op;
  readonly attributes: Attributes;
  readonly inputs: readonly string[];
  /** An output may name the same tensor as an input where the operator's table entry allows it in place. */
  readonly outputs: readonly string[];
}

/**
 * Operators applied to named tensors, in an order in which each input is ready. `validateProgram` checks it.
 */
export interface Program {
  readonly name: string;
  readonly tensors: Readonly<Record<string, TensorSpec>>;
  readonly nodes: readonly Node[];
}

/** What a program declares of one of its tensors. Throws ProgramError if it declares none of this name. */
export function tensorOf(program: Program, name: string): TensorSpec {
  const spec = Object.hasOwn(program.tensors, name) ? program.tensors[name] : undefined;
  if (spec === undefined) throw new ProgramError(`${program.name}: tensor ${name} is not declared`);
  return spec;
}

/** Bytes of one element. */
export function elementBytes(dtype: DType): number {
  return dtype === 'bf16' ? 2 : 4;
}

/** Elements of a tensor of this shape; 1 for no dimensions. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
