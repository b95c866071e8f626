/**
 * Checks a program before an engine trusts it: a program may come from a peer or a dispute, so sizes are
 * bounded and every statement of the program about itself is checked. What each operator allows is in the
 * operator table.
 */
import { must } from '../../protocol/must.ts';
import { canon } from './arithmetic.ts';
import { attributeOf } from './attributes.ts';
import { MAX_ELEMENTS, MAX_NODES } from './limits.ts';
import { inPlaceInput, mustBeInPlace } from './operands.ts';
import type { AttributeSpec, SizeSpec } from './operator-spec.ts';
import { OPERATORS, specOf } from './operators.ts';
import { type DType, elementCount, type Node, type Program } from './program.ts';
import { ProgramError } from './program-error.ts';
import { type OperandShape, resolveShapes } from './shapes.ts';

const DTYPES: ReadonlySet<string> = new Set<DType>(['f32', 'u32', 'bf16']);

function fail(where: string, problem: string): never {
  throw new ProgramError(`${where}: ${problem}`);
}

function validateAttributes(node: Node, where: string): void {
  const { attributes } = specOf(node.op);
  for (const name of Object.keys(node.attributes)) {
    if (!Object.hasOwn(attributes, name)) {
      fail(where, `unknown attribute ${name}; ${node.op} takes ${Object.keys(attributes).join(', ')}`);
    }
  }
  for (const [name, spec] of Object.entries(attributes)) {
    const value = Object.hasOwn(node.attributes, name) ? node.attributes[name] : undefined;
    if (typeof value !== 'number') fail(where, `attribute ${name} is missing`);
    const problem = problemOf(name, value, spec);
    if (problem !== undefined) fail(where, problem);
  }
  validateRelations(node, where);
}

/** What is wrong with a value, or undefined. */
function problemOf(name: string, value: number, spec: AttributeSpec): string | undefined {
  switch (spec.kind) {
    case 'flag':
      return value === 0 || value === 1 ? undefined : `attribute ${name} must be 0 or 1, got ${value}`;
    case 'size':
      return problemOfSize(name, value, spec);
    case 'f32': {
      if (!Object.is(canon(value), value) || !Number.isFinite(value)) {
        return `attribute ${name} must be a canonical f32; round ${value} with canon()`;
      }
      const { least = value, above = Number.NEGATIVE_INFINITY, most = value } = spec;
      if (value >= least && value > above && value <= most) return undefined;
      if (spec.least === 0) return `${name} must not be negative`;
      return `${name} must be above ${above} and at most ${most}`;
    }
  }
}

function problemOfSize(
  name: string,
  value: number,
  { least, most, limit, multipleOf = 1 }: SizeSpec,
): string | undefined {
  if (!Number.isInteger(value) || value < least || value > MAX_ELEMENTS) {
    return `attribute ${name} must be an integer from ${least} to ${MAX_ELEMENTS}, got ${value}`;
  }
  if (value > most) return `${name} ${limit === 'folded' ? 'is folded and ' : ''}must be at most ${most}`;
  if (value % multipleOf !== 0) return `${name} must be a multiple of ${multipleOf}`;
  return undefined;
}

function validateRelations(node: Node, where: string): void {
  const { multiples = [], atMost = [] } = specOf(node.op);
  for (const [name, other] of multiples) {
    if (attributeOf(node, name) % attributeOf(node, other) !== 0) {
      fail(where, `${name} must be a multiple of ${other}`);
    }
  }
  for (const [name, other] of atMost) {
    if (attributeOf(node, name) > attributeOf(node, other)) fail(where, `${name} must be at most ${other}`);
  }
}

function validateOperand(program: Program, name: string, expected: OperandShape, where: string): void {
  const spec = Object.hasOwn(program.tensors, name) ? program.tensors[name] : undefined;
  if (spec === undefined) fail(where, `tensor ${name} is not declared`);
  if (spec.dtype !== expected.dtype && !(expected.orBf16 === true && spec.dtype === 'bf16')) {
    fail(where, `tensor ${name} is ${spec.dtype}, the operator needs ${expected.dtype}`);
  }
  const fits = expected.flat
    ? elementCount(spec.shape) === elementCount(expected.shape)
    : spec.shape.length === expected.shape.length && spec.shape.every((d, i) => d === expected.shape[i]);
  if (!fits) {
    fail(where, `tensor ${name} has shape [${spec.shape}], the operator needs [${expected.shape}]`);
  }
}

function validateAliases(node: Node, where: string): void {
  node.outputs.forEach((output, o) => {
    if (node.outputs.indexOf(output) !== o) fail(where, `tensor ${output} is output twice`);
    const allowed = inPlaceInput(node.op, o);
    node.inputs.forEach((input, i) => {
      if (input === output && i !== allowed) {
        fail(
          where,
          `tensor ${output} is both output ${o} and input ${i}, which ${node.op} cannot do in place`,
        );
      }
    });
    if (mustBeInPlace(node.op) && allowed !== undefined && node.inputs[allowed] !== output) {
      fail(where, `${node.op} works in place: output ${o} must be tensor ${node.inputs[allowed]}`);
    }
  });
}

const validated = new WeakSet<Program>();

/**
 * Throws ProgramError unless: every node names a known operator with exactly its attributes in range; every
 * operand is declared with the shape and dtype that the attributes give; every temporary is written before it
 * is read and written once (in-place updates aside); outputs alias inputs only where the operator table
 * allows it. Remembers programs that passed, so that calling it on each run costs nothing; do not mutate a
 * program.
 */
export function validateProgram(program: Program): void {
  if (validated.has(program)) return;
  if (program.nodes.length > MAX_NODES) fail(program.name, `more than ${MAX_NODES} nodes`);
  for (const [name, spec] of Object.entries(program.tensors)) {
    const where = `${program.name}, tensor ${name}`;
    if (!spec.shape.every((d) => Number.isInteger(d) && d >= 1)) fail(where, `bad shape [${spec.shape}]`);
    if (elementCount(spec.shape) > MAX_ELEMENTS) fail(where, `more than ${MAX_ELEMENTS} elements`);
    if (!DTYPES.has(spec.dtype)) fail(where, `unknown dtype ${String(spec.dtype)}`);
    if (spec.storage !== 'bound' && spec.storage !== 'temporary') {
      fail(where, `unknown storage ${String(spec.storage)}`);
    }
  }
  const written = new Set<string>();
  program.nodes.forEach((node, index) => {
    const where = `${program.name}, node ${index} (${node.op})`;
    if (!Object.hasOwn(OPERATORS, node.op)) fail(where, 'unknown operator');
    validateAttributes(node, where);
    const shapes = resolveShapes(node);
    if (node.inputs.length !== shapes.inputs.length) {
      fail(where, `takes ${shapes.inputs.length} inputs, got ${node.inputs.length}`);
    }
    if (node.outputs.length !== shapes.outputs.length) {
      fail(where, `gives ${shapes.outputs.length} outputs, got ${node.outputs.length}`);
    }
    for (const [i, name] of node.inputs.entries()) {
      validateOperand(program, name, must(shapes.inputs, i), where);
      if (program.tensors[name]?.storage === 'temporary' && !written.has(name)) {
        fail(where, `reads ${name} before any node writes it`);
      }
    }
    for (const [o, name] of node.outputs.entries()) {
      validateOperand(program, name, must(shapes.outputs, o), where);
      if (written.has(name) && !node.inputs.includes(name)) {
        fail(where, `writes ${name} a second time; give the result a name of its own`);
      }
    }
    validateAliases(node, where);
    for (const name of node.outputs) written.add(name);
  });
  validated.add(program);
}

/** What `validateBindings` needs to see of an engine's tensor. */
export interface BoundTensor {
  readonly shape: readonly number[];
  readonly dtype: string;
}

/** The tensor that is bound under a name. Throws ProgramError if there is none. */
export function boundTensor<T>(program: Program, bindings: Readonly<Record<string, T>>, name: string): T {
  const tensor = Object.hasOwn(bindings, name) ? bindings[name] : undefined;
  if (tensor === undefined) fail(program.name, `bound tensor ${name} was not supplied`);
  return tensor;
}

/**
 * Throws ProgramError unless every bound tensor of the program has a binding of its dtype and element count,
 * and no tensor that the program writes is bound under two names. Bindings the program does not name are
 * ignored.
 */
export function validateBindings(program: Program, bindings: Readonly<Record<string, BoundTensor>>): void {
  const written = new Set(program.nodes.flatMap((node) => node.outputs));
  const names = new Map<BoundTensor, string>();
  for (const [name, spec] of Object.entries(program.tensors)) {
    if (spec.storage !== 'bound') continue;
    const tensor = boundTensor(program, bindings, name);
    if (tensor.dtype !== spec.dtype || elementCount(tensor.shape) !== elementCount(spec.shape)) {
      fail(
        program.name,
        `tensor ${name} is bound to ${tensor.dtype} [${tensor.shape}], the program needs ${spec.dtype} [${spec.shape}]`,
      );
    }
    const other = names.get(tensor);
    if (other !== undefined && (written.has(name) || written.has(other))) {
      fail(program.name, `${other} and ${name} are bound to one tensor and the program writes it`);
    }
    names.set(tensor, name);
  }
}
