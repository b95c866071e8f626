/** Programs of one operator over bound tensors: for conformance cases, tests and tools. */
import { inPlaceInput, mustBeInPlace } from './operands.ts';
import type { OperatorName } from './operators.ts';
import type { Attributes, Program, TensorSpec } from './program.ts';
import { resolveShapes } from './shapes.ts';

/** How the program of a single operator is put together. */
export interface OperatorProgramOptions {
  /** Defaults to the operator's name. */
  readonly name?: string;
  /**
   * Uses every alias that the operator allows. Operators that require theirs use them in any case. Defaults
   * to false.
   */
  readonly inPlace?: boolean;
  /** Inputs that are stored as bf16. Defaults to none. */
  readonly bf16Inputs?: ReadonlySet<number>;
}

/**
 * A program that applies one operator. Input i is the bound tensor `in<i>`, output o is `out<o>` or the
 * input's tensor where the operator works in place. Throws ProgramError if an attribute is missing.
 */
export function operatorProgram(
  op: OperatorName,
  attributes: Attributes,
  options: OperatorProgramOptions = {},
): Program {
  const { name = op, inPlace = false, bf16Inputs } = options;
  const shapes = resolveShapes({ op, attributes });
  const tensors: Record<string, TensorSpec> = {};
  const inputs = shapes.inputs.map(({ shape, dtype }, i) => {
    tensors[`in${i}`] = { shape, dtype: bf16Inputs?.has(i) ? 'bf16' : dtype, storage: 'bound' };
    return `in${i}`;
  });
  const aliases = inPlace || mustBeInPlace(op);
  const outputs = shapes.outputs.map(({ shape, dtype }, o) => {
    const alias = aliases ? inPlaceInput(op, o) : undefined;
    const output = alias === undefined ? `out${o}` : `in${alias}`;
    tensors[output] = { shape, dtype, storage: 'bound' };
    return output;
  });
  return { name, tensors, nodes: [{ op, attributes, inputs, outputs }] };
}
