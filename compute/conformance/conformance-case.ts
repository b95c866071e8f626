/** One case of the conformance table: an operator application whose inputs are made from a seed. */
import { must } from '../../protocol/must.ts';
import type { TensorData } from '../engines/tensor-data.ts';
import type { AttributesOf } from '../repops/attributes.ts';
import { operatorProgram } from '../repops/operator-program.ts';
import type { OperatorName } from '../repops/operators.ts';
import { elementCount, type Program, tensorOf } from '../repops/program.ts';
import { halves, indices, type Kind, values } from './values.ts';

/** A program of one operator with its inputs, and which tensors are compared. */
export interface ConformanceCase {
  readonly name: string;
  readonly op: OperatorName;
  readonly program: Program;
  /** Contents of the bound tensors before the run, made anew on each call. */
  inputs(): Readonly<Record<string, TensorData>>;
  /** Tensors to compare after the run, in order. */
  readonly outputs: readonly string[];
}

/**
 * How an input is filled:
 * - a kind: f32 of that kind;
 * - `below`: u32 below it; `countTo`: 0 .. countTo - 1, repeated; `list`: the listed u32, repeated;
 * - `bf16`: the upper halves of f32 of a kind, or any bits.
 */
export type Fill =
  | Kind
  | { readonly below: number }
  | { readonly countTo: number }
  | { readonly list: readonly number[] }
  | { readonly bf16: Kind | 'any' };

/** A row of the table of cases, for one operator. */
export interface RowOf<Op extends OperatorName> {
  readonly op: Op;
  readonly attributes: AttributesOf<Op>;
  /** One for each input. */
  readonly fills: readonly Fill[];
  /** Uses every alias that the operator allows. Operators that require theirs use them in any case. */
  readonly inPlace?: boolean;
}

/** A row of the table of cases: an operator with its attributes, and how each input is filled. */
export type Row = { readonly [Op in OperatorName]: RowOf<Op> }[OperatorName];

function label(row: Row): string {
  const attributes = Object.entries(row.attributes).map(([name, value]) => `${name}=${value}`);
  const fills = row.fills.map((fill) => {
    if (typeof fill === 'string') return fill;
    if ('bf16' in fill) return `bf16 ${fill.bf16}`;
    if ('countTo' in fill) return `0..${fill.countTo - 1}`;
    return 'below' in fill ? `<${fill.below}` : `[${fill.list.join(' ')}]`;
  });
  return `${row.op} ${attributes.join(' ')}: ${fills.join(', ')}${row.inPlace ? ', in place' : ''}`;
}

/** A seed that depends on the case's name alone, so that adding a case changes no other. */
function seedOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** The case of a row of the table. */
export function buildCase(row: Row): ConformanceCase {
  const name = label(row);
  const bf16Inputs = row.fills.flatMap((fill, i) => (typeof fill === 'object' && 'bf16' in fill ? [i] : []));
  const program = operatorProgram(row.op, row.attributes, {
    name,
    inPlace: row.inPlace === true,
    bf16Inputs: new Set(bf16Inputs),
  });
  const { inputs, outputs } = must(program.nodes, 0);
  if (inputs.length !== row.fills.length) {
    throw new RangeError(`${name}: ${row.fills.length} fills for ${inputs.length} inputs`);
  }
  const seed = seedOf(name);
  return {
    name,
    op: row.op,
    program,
    outputs,
    inputs: () =>
      Object.fromEntries(
        inputs.map((input, i) => {
          const count = elementCount(tensorOf(program, input).shape);
          return [input, filled(must(row.fills, i), count, seed + i)];
        }),
      ),
  };
}

/** `count` elements as a fill says. */
function filled(fill: Fill, count: number, seed: number): TensorData {
  if (typeof fill === 'string') return values(fill, count, seed);
  if ('bf16' in fill) return halves(fill.bf16, count, seed);
  if ('countTo' in fill) return Uint32Array.from({ length: count }, (_, at) => at % fill.countTo);
  if ('below' in fill) return indices(fill.below, count, seed);
  return Uint32Array.from({ length: count }, (_, at) => must(fill.list, at % fill.list.length));
}
