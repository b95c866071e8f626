/**
 * Checks a program before an engine trusts it: a program may come from a peer or a dispute, so sizes are bounded
 * and nothing about it is taken on faith.
 */
import { ProgramError } from '../engines/engine.ts';
import { bitsOf, canon } from './arithmetic.ts';
import { OPERATORS, type OperatorSpec } from './operators.ts';
import { type DType, elementCount, type Node, type Program } from './program.ts';
import { type OperandShape, resolveShapes } from './shapes.ts';

/** A lattice fold is exact up to this many terms (docs/repops.md), so no folded dimension may be longer, of other folds neither. */
export const MAX_FOLD = 2 ** 20;
/** Elements in one tensor; 4 GiB of f32. */
export const MAX_ELEMENTS = 2 ** 30;
/** Elements of an attention head: far more than any model has. */
export const MAX_HEAD = 2 ** 13;
export const MAX_NODES = 2 ** 16;
/** Tensors under one gradient norm. */
export const MAX_NORMS = 2 ** 15;

const FLAGS = new Set(['transposeA', 'transposeB', 'inverse', 'greedy']);
const CONSTANTS = new Set([
  'invD',
  'eps',
  'scale',
  'clipLow',
  'clipHigh',
  'ratioCap',
  'maxNorm',
  'beta1',
  'oneMinusBeta1',
  'beta2',
  'oneMinusBeta2',
  'weightDecay',
  'invTemperature',
  'topP',
]);
/** Sizes that may be 0. */
const OPTIONAL = new Set(['topK']);
const DTYPES: ReadonlySet<string> = new Set<DType>(['f32', 'u32', 'bf16']);
/** Operators whose outputs must be the very tensors that their `inPlace` pairs name. */
const ALWAYS_IN_PLACE: ReadonlySet<string> = new Set(['cache.write', 'cache.write.rows', 'adamw']);

function fail(where: string, problem: string): never {
  throw new ProgramError(`${where}: ${problem}`);
}

function validateAttributes(node: Node, where: string): void {
  const spec: OperatorSpec = OPERATORS[node.op];
  for (const name of Object.keys(node.attributes)) {
    if (!spec.attributes.includes(name)) {
      fail(where, `unknown attribute ${name}; ${node.op} takes ${spec.attributes.join(', ')}`);
    }
  }
  for (const name of spec.attributes) {
    const value = Object.hasOwn(node.attributes, name) ? node.attributes[name] : undefined;
    if (typeof value !== 'number') fail(where, `attribute ${name} is missing`);
    if (FLAGS.has(name)) {
      if (value !== 0 && value !== 1) fail(where, `attribute ${name} must be 0 or 1, got ${value}`);
    } else if (CONSTANTS.has(name)) {
      if (!Object.is(canon(value), value) || !Number.isFinite(value)) {
        fail(where, `attribute ${name} must be a canonical f32; round ${value} with canon()`);
      }
    } else {
      const least = OPTIONAL.has(name) ? 0 : 1;
      if (!Number.isInteger(value) || value < least || value > MAX_ELEMENTS) {
        fail(where, `attribute ${name} must be an integer from ${least} to ${MAX_ELEMENTS}, got ${value}`);
      }
    }
  }
}

/** Lengths along which the operator folds. `norm.square` folds its sums again and so takes any length. */
const FOLDED: Readonly<Record<string, readonly string[]>> = {
  'embed.grad': ['N'],
  matmul: ['K'],
  'bias.grad': ['N'],
  'rms.rstd': ['D'],
  'rms.grad.x': ['D'],
  'rms.grad.gain': ['N'],
  attention: ['Tk'],
  'attention.grad.q': ['Tk'],
  'attention.grad.kv': ['Tq'],
  'xent.lse': ['V'],
  'loss.weighted': ['N'],
  sample: ['V'],
  'sample.filter': ['V'],
};

function validateRelations(node: Node, where: string): void {
  const a = node.attributes;
  for (const name of FOLDED[node.op] ?? []) {
    if ((a[name] ?? 0) > MAX_FOLD) fail(where, `${name} is folded and must be at most ${MAX_FOLD}`);
  }
  if (node.op.startsWith('attention') && (a.headDim ?? 0) > MAX_HEAD) {
    fail(where, `headDim must be at most ${MAX_HEAD}`);
  }
  if (node.op === 'clip.scale' && (a.count ?? 0) > MAX_NORMS) {
    fail(where, `count must be at most ${MAX_NORMS}`);
  }
  if (node.op.startsWith('rope') && (a.headDim ?? 0) % 2 !== 0) fail(where, 'headDim must be even');
  if (node.op === 'cache.write.rows' && (a.R ?? 0) > (a.Tk ?? 0)) fail(where, 'R must be at most Tk');
  if (a.kvHeads !== undefined && (a.heads ?? 0) % a.kvHeads !== 0) {
    fail(where, 'heads must be a multiple of kvHeads');
  }
  if (bitsOf(a.invTemperature ?? 0) >>> 31 === 1) fail(where, 'invTemperature must not be negative');
  if (a.topP !== undefined && !(a.topP > 0 && a.topP <= 1)) {
    fail(where, 'topP must be above 0 and at most 1');
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
  const pairs: OperatorSpec['inPlace'] = (OPERATORS[node.op] as OperatorSpec).inPlace;
  node.outputs.forEach((output, o) => {
    if (node.outputs.indexOf(output) !== o) fail(where, `tensor ${output} is output twice`);
    const allowed = pairs?.find(([out]) => out === o)?.[1];
    node.inputs.forEach((input, i) => {
      if (input === output && i !== allowed) {
        fail(
          where,
          `tensor ${output} is both output ${o} and input ${i}, which ${node.op} cannot do in place`,
        );
      }
    });
    if (ALWAYS_IN_PLACE.has(node.op) && allowed !== undefined && node.inputs[allowed] !== output) {
      fail(where, `${node.op} works in place: output ${o} must be tensor ${node.inputs[allowed]}`);
    }
  });
}

const validated = new WeakSet<Program>();

/**
 * Throws ProgramError unless: every node names a known operator with exactly its attributes in range; every operand is
 * declared with the shape and dtype that the attributes give; every temporary is written before it is read and
 * written once (in-place updates aside); outputs alias inputs only where the operator table allows it.
 * Remembers programs that passed, so that calling it on each run costs nothing; do not mutate a program.
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
    validateRelations(node, where);
    const shapes = resolveShapes(node);
    if (node.inputs.length !== shapes.inputs.length) {
      fail(where, `takes ${shapes.inputs.length} inputs, got ${node.inputs.length}`);
    }
    if (node.outputs.length !== shapes.outputs.length) {
      fail(where, `gives ${shapes.outputs.length} outputs, got ${node.outputs.length}`);
    }
    for (const [i, expected] of shapes.inputs.entries()) {
      const name = node.inputs[i] ?? '';
      validateOperand(program, name, expected, where);
      if (program.tensors[name]?.storage === 'temporary' && !written.has(name)) {
        fail(where, `reads ${name} before any node writes it`);
      }
    }
    for (const [i, expected] of shapes.outputs.entries()) {
      const name = node.outputs[i] ?? '';
      validateOperand(program, name, expected, where);
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

/**
 * Throws ProgramError unless every bound tensor of the program has a binding of its dtype and element count, and no
 * tensor that the program writes is bound under two names. Bindings the program does not name are ignored.
 */
export function validateBindings(program: Program, bindings: Readonly<Record<string, BoundTensor>>): void {
  const written = new Set(program.nodes.flatMap((node) => node.outputs));
  const names = new Map<BoundTensor, string>();
  for (const [name, spec] of Object.entries(program.tensors)) {
    if (spec.storage !== 'bound') continue;
    const tensor = Object.hasOwn(bindings, name) ? bindings[name] : undefined;
    if (tensor === undefined) fail(program.name, `bound tensor ${name} was not supplied`);
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
