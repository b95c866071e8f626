// Reads the interface of a kernel off its WGSL: the fields of its Params struct, its storage bindings with
// the entry points that use them, and its constants. build-shaders.mjs writes the result as a typed table, so
// that a planner can name only what the WGSL declares. This is no WGSL parser: it knows the declarations that
// kernels here use, and throws a KernelSourceError on any other.

/**
 * The WGSL of a kernel breaks a rule of shaders/README.md, or uses something that this reader does not know.
 */
export class KernelSourceError extends Error {
  name = 'KernelSourceError';

  constructor(kernel, problem) {
    super(`shaders/${kernel}.wgsl: ${problem}`);
  }
}

const BOTH_BRANCHES = '(both branches of a //# if are read)';
const PARAM_TYPES = new Set(['u32', 'f32']);
const ATTRIBUTES = /^((?:@\w+\s*(?:\([^()]*\))?\s*)*)(.*)$/s;
const STRUCT = /^struct (\w+)\s*\{(.*)\}$/s;
const VARIABLE = /^var\s*(?:<([^<>]*)>)?\s*(\w+)\s*:\s*([^=]+?)(?:=.*)?;$/s;
const FUNCTION = /^fn (\w+)\s*\((.*?)\)\s*(?:->[^{]*)?\{(.*)\}$/s;
const CONSTANT = /^const (\w+)\s*(?::[^=]*)?=\s*(.*);$/s;

/**
 * The interface of a kernel. Both branches of a `//# if` are read.
 *
 * @param {string} kernel the file in shaders/ without `.wgsl`, for messages
 * @param {string} source its WGSL after its modules (`link` in build-shaders.mjs)
 * @returns {import('../compute/engines/webgpu/shader/kernel-interface.ts').KernelInterface}
 */
export function readKernelInterface(kernel, source) {
  const fail = (problem) => {
    throw new KernelSourceError(kernel, problem);
  };
  const structs = new Map();
  const functions = new Map();
  const variables = [];
  const constants = {};
  for (const declaration of declarationsOf(source.replace(/\/\/.*$/gm, ''), fail)) {
    const [, attributes, text] = ATTRIBUTES.exec(declaration);
    const [struct, variable, fn, constant] = [STRUCT, VARIABLE, FUNCTION, CONSTANT].map((kind) =>
      kind.exec(text),
    );
    if (struct !== null) structs.set(struct[1], struct[2]);
    else if (variable !== null) variables.push(variableOf(variable, attributes, fail));
    else if (fn !== null) addFunction(functions, fn, attributes, fail);
    else if (constant !== null) {
      if (/^\d+u$/.test(constant[2])) constants[constant[1]] = Number.parseInt(constant[2], 10);
    } else {
      fail(`cannot read \`${firstLine(declaration)}\`; kernels may declare only struct, var, fn and const`);
    }
  }
  const uniforms = uniformsOf(variables, fail);
  const params = paramsOf(variables, structs, fail);
  const bindings = bindingsOf(variables, fail);
  const entries = entriesOf(functions, bindings, fail);
  return {
    params: camelKeys(params, 'fields of Params', fail),
    bindings: camelKeys([...bindings], 'bindings', fail),
    entries: Object.fromEntries([...entries].map(([entry, used]) => [entry, used.map(camelCase)])),
    constants,
    uniforms: camelKeys(uniforms, 'uniforms', fail),
  };
}

/** The declarations of a module, without comments: each ends at `;`, or at the `}` that closes it. */
function declarationsOf(text, fail) {
  if (text.includes('/*')) fail('has a block comment; write // lines');
  const result = [];
  const open = [];
  const closers = { '(': ')', '[': ']', '{': '}' };
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character in closers) open.push(closers[character]);
    else if (')]}'.includes(character) && open.pop() !== character) {
      fail(`has a \`${character}\` too many in \`${firstLine(text.slice(start))}\` ${BOTH_BRANCHES}`);
    }
    if (open.length > 0 || (character !== ';' && character !== '}')) continue;
    const declaration = text.slice(start, at + 1).trim();
    if (declaration !== ';') result.push(declaration);
    start = at + 1;
  }
  const rest = text.slice(start).trim();
  if (rest !== '') fail(`\`${firstLine(rest)}\` does not end ${BOTH_BRANCHES}`);
  return result;
}

const firstLine = (text) => text.trim().split('\n', 1)[0];

function variableOf([, space = '', name, type], attributes, fail) {
  const numberOf = (attribute) => {
    const value = new RegExp(`@${attribute}\\s*\\(\\s*(\\d+)\\s*\\)`).exec(attributes)?.[1];
    return value === undefined ? undefined : Number(value);
  };
  const [addressSpace, access] = space.split(',').map((part) => part.trim());
  const [group, binding] = [numberOf('group'), numberOf('binding')];
  const isResource = addressSpace === 'uniform' || addressSpace === 'storage';
  if (isResource && (group !== 0 || binding === undefined)) {
    fail(`\`${name}\` needs \`@group(0) @binding(n)\` with plain numbers before its \`var\``);
  }
  if (!isResource && !['workgroup', 'private'].includes(addressSpace)) {
    fail(`\`${name}\` is in the address space \`${space}\`; use uniform, storage, workgroup or private`);
  }
  return { name, type: type.trim(), addressSpace, access: access ?? 'read', number: binding };
}

/** Params must be the uniform at binding 0, with `zero: u32` as its first field and scalars after it. */
function paramsOf(variables, structs, fail) {
  const variable = variables.find(({ name }) => name === 'params');
  if (variable?.addressSpace !== 'uniform' || variable.number !== 0) {
    fail('needs `@group(0) @binding(0) var<uniform> params`');
  }
  const body = structs.get(variable.type);
  if (body === undefined) fail(`declares no struct ${variable.type} for \`params\``);
  const fields = body
    .split(',')
    .map((field) => field.trim())
    .filter((field) => field !== '')
    .map((field) => {
      const [, name, type] = /^(\w+)\s*:\s*(\w+)$/.exec(field) ?? [];
      if (!PARAM_TYPES.has(type))
        fail(`cannot read the field \`${field}\` of ${variable.type}; write \`name: u32\` or f32`);
      return [name, type];
    });
  const [first, ...rest] = fields;
  if (first?.join() !== 'zero,u32') fail(`${variable.type} must begin with \`zero: u32\``);
  return rest;
}

/** The uniforms beside `params`, as pairs of name and binding number. */
function uniformsOf(variables, fail) {
  const uniforms = variables.filter(({ addressSpace }) => addressSpace === 'uniform');
  for (const { name, number } of uniforms) {
    const other = variables.find((variable) => variable.number === number && variable.name !== name);
    if (other !== undefined) fail(`\`${name}\` and \`${other.name}\` have the same binding number ${number}`);
  }
  return uniforms.filter(({ name }) => name !== 'params').map(({ name, number }) => [name, number]);
}

/**
 * Storage bindings by name. One that is declared in several branches of `//# if` has several element types.
 */
function bindingsOf(variables, fail) {
  const bindings = new Map();
  for (const { name, type, access, number, addressSpace } of variables) {
    if (addressSpace !== 'storage') continue;
    if (access !== 'read' && access !== 'read_write')
      fail(`\`${name}\` has the access \`${access}\`; use read or read_write`);
    const element = /^array\s*<(.*)>$/s.exec(type)?.[1]?.trim();
    if (element === undefined || element.includes(','))
      fail(`\`${name}\` must be an array without a length, not \`${type}\``);
    const known = bindings.get(name);
    if (known === undefined) bindings.set(name, { number, access, elements: [element] });
    else {
      if (known.number !== number || known.access !== access) {
        fail(`\`${name}\` is declared twice, with different numbers or accesses`);
      }
      if (!known.elements.includes(element)) known.elements.push(element);
    }
    for (const [other, { number: taken }] of bindings) {
      if (other !== name && taken === number)
        fail(`\`${other}\` and \`${name}\` have the same binding number ${number}`);
    }
  }
  return bindings;
}

function addFunction(functions, [, name, signature, body], attributes, fail) {
  if (functions.has(name)) fail(`declares the function ${name} twice`);
  // A local of a binding's name hides the binding in the whole function.
  const locals = new Set();
  for (const [, local] of signature.matchAll(/(\w+)\s*:/g)) locals.add(local);
  for (const [, local] of body.matchAll(/\b(?:let|var|const)\s+(\w+)/g)) locals.add(local);
  const used = new Set();
  for (const [, identifier] of body.matchAll(/(?<![\w.])([A-Za-z_]\w*)/g)) {
    if (!locals.has(identifier)) used.add(identifier);
  }
  functions.set(name, { isEntry: /@compute\b/.test(attributes), used });
}

/**
 * The bindings that each entry point uses, itself or by the functions that it calls, in the order of their
 * numbers.
 */
function entriesOf(functions, bindings, fail) {
  const inOrder = [...bindings].sort(([, a], [, b]) => a.number - b.number).map(([name]) => name);
  const entries = new Map();
  for (const [name, { isEntry }] of functions) {
    if (!isEntry) continue;
    const reached = new Set();
    const visit = (identifier) => {
      if (reached.has(identifier)) return;
      reached.add(identifier);
      for (const used of functions.get(identifier)?.used ?? []) visit(used);
    };
    visit(name);
    entries.set(
      name,
      inOrder.filter((binding) => reached.has(binding)),
    );
  }
  if (entries.size === 0) fail('has no entry point; write `@compute @workgroup_size(..) fn main(..)`');
  const idle = inOrder.find((binding) => ![...entries.values()].some((used) => used.includes(binding)));
  if (idle !== undefined) fail(`no entry point uses the binding \`${idle}\``);
  return entries;
}

/** A name as TypeScript writes it: `head_dim` as `headDim`. */
const camelCase = (name) => name.replace(/_+(\w)/g, (_, letter) => letter.toUpperCase());

/** An object of these pairs, with names as TypeScript writes them. */
function camelKeys(pairs, what, fail) {
  const result = {};
  for (const [name, value] of pairs) {
    const camel = camelCase(name);
    if (Object.hasOwn(result, camel)) {
      fail(`two ${what} are both called ${camel} in TypeScript; rename \`${name}\``);
    }
    result[camel] = value;
  }
  return result;
}
