import { describe, expect, it } from 'vitest';
import { KernelSourceError, readKernelInterface } from './kernel-interface.mjs';

const PARAMS = `
struct Params {
  zero: u32,
  count: u32,
  head_dim: u32,
  scale: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
`;
const BINDINGS = `
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
`;
const MAIN = `
@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
  y[lane] = vec4<f32>(x[lane] * params.scale);
}
`;
const CONSTANTS = 'const LANES = 64u;\n';

const read = (...parts: string[]) => readKernelInterface('test', parts.join('\n'));
const fields = (source: string) => Object.entries(read(source, BINDINGS, MAIN, CONSTANTS).params);

describe('readKernelInterface', () => {
  it('reads parameters, bindings, entry points and constants', () => {
    expect(read(PARAMS, BINDINGS, MAIN, CONSTANTS)).toEqual({
      params: { count: 'u32', headDim: 'u32', scale: 'f32' },
      bindings: {
        x: { number: 1, access: 'read', elements: ['f32'] },
        y: { number: 2, access: 'read_write', elements: ['vec4<f32>'] },
      },
      entries: { main: ['x', 'y'] },
      constants: { LANES: 64 },
      uniforms: {},
    });
  });

  it('keeps the order of the fields, wherever one is inserted', () => {
    expect(fields(PARAMS)).toEqual([
      ['count', 'u32'],
      ['headDim', 'u32'],
      ['scale', 'f32'],
    ]);
    expect(
      fields(PARAMS.replace('head_dim: u32,', 'rows: u32, // new\n  bias: f32,\n  head_dim: u32,')),
    ).toEqual([
      ['count', 'u32'],
      ['rows', 'u32'],
      ['bias', 'f32'],
      ['headDim', 'u32'],
      ['scale', 'f32'],
    ]);
  });

  it('follows `params` to its struct, whatever other structs there are', () => {
    const other = 'struct Unit { first_key: u32, count: u32, }\n';
    expect(fields(other + PARAMS.replaceAll('Params', 'AttentionParams'))).toEqual(fields(PARAMS));
  });

  it('says which bindings each entry point uses, by way of functions too', () => {
    const source = `
fn load(at: u32) -> f32 { return x[at]; }
fn shadowed(x: f32) -> f32 { let y = x; return y; }
@compute @workgroup_size(1)
fn copy() { y[0] = vec4<f32>(load(0u)); }
@compute @workgroup_size(1)
fn clear() { y[0] = vec4<f32>(shadowed(params.x.y)); }
`;
    expect(read(PARAMS, BINDINGS, source).entries).toEqual({ copy: ['x', 'y'], clear: ['y'] });
  });

  it('lists the bindings of an entry point by number, not by declaration', () => {
    const [first, second] = BINDINGS.trim().split('\n');
    expect(read(PARAMS, `${second}\n${first}`, MAIN).entries).toEqual({ main: ['x', 'y'] });
  });

  it('reads both branches of a condition', () => {
    const source = `
//# if BF16
@group(0) @binding(1) var<storage, read> x: array<u32>;
//# else
@group(0) @binding(1) var<storage, read> x: array<f32>;
//# end
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
const BF16 = 0u;
`;
    const { bindings, constants } = read(PARAMS, source, MAIN);
    expect(bindings.x).toEqual({ number: 1, access: 'read', elements: ['u32', 'f32'] });
    expect(constants).toEqual({ BF16: 0 });
  });

  it('reads uniforms beside Params, and leaves out what has no binding', () => {
    const source = `
struct Offset { first: u32, }
@group(0) @binding(15) var<uniform> workgroup_offset: Offset;
var<workgroup> shared_tile: array<vec4<f32>, 64>;
var<private> corner: u32;
const TABLE = array<u32, 2>(1u, 2u);
`;
    const result = read(PARAMS, BINDINGS, source, MAIN);
    expect(result.uniforms).toEqual({ workgroupOffset: 15 });
    expect(Object.keys(result.bindings)).toEqual(['x', 'y']);
    expect(result.constants).toEqual({});
  });

  it.each<[string, string, RegExp]>([
    ['no params', BINDINGS + MAIN, /needs `@group\(0\) @binding\(0\) var<uniform> params`/],
    [
      'params without a struct',
      PARAMS.replace('struct Params', 'struct Other') + BINDINGS + MAIN,
      /declares no struct Params/,
    ],
    [
      'params that do not begin with zero',
      PARAMS.replace('zero: u32', 'none: u32') + BINDINGS + MAIN,
      /must begin with `zero: u32`/,
    ],
    [
      'a vector as a field',
      PARAMS.replace('scale: f32', 'scale: vec4<f32>') + BINDINGS + MAIN,
      /cannot read the field `scale: vec4<f32>` of Params/,
    ],
    [
      'an attribute of a field',
      PARAMS.replace('scale: f32', '@align(16) scale: f32') + BINDINGS + MAIN,
      /cannot read the field `@align\(16\) scale: f32`/,
    ],
    [
      'two fields of one name',
      PARAMS.replace('count: u32', 'headDim: u32') + BINDINGS + MAIN,
      /two fields of Params are both called headDim/,
    ],
    [
      'a binding in another group',
      PARAMS + BINDINGS.replace('@group(0) @binding(2)', '@group(1) @binding(2)') + MAIN,
      /`y` needs `@group\(0\) @binding\(n\)`/,
    ],
    [
      'a computed binding number',
      PARAMS + BINDINGS.replace('@binding(2)', '@binding(1 + 1)') + MAIN,
      /`y` needs `@group\(0\) @binding\(n\)`/,
    ],
    [
      'one binding number for two names',
      PARAMS + BINDINGS.replace('@binding(2)', '@binding(1)') + MAIN,
      /`x` and `y` have the same binding number 1/,
    ],
    [
      'the number of params for another binding',
      PARAMS + BINDINGS.replace('@binding(2)', '@binding(0)') + MAIN,
      /`params` and `y` have the same binding number 0/,
    ],
    [
      'two numbers for one binding',
      `${PARAMS}${BINDINGS}@group(0) @binding(3) var<storage, read> x: array<u32>;\n${MAIN}`,
      /`x` is declared twice, with different numbers/,
    ],
    [
      'an array with a length',
      PARAMS + BINDINGS.replace('array<f32>', 'array<f32, 4>') + MAIN,
      /`x` must be an array without a length/,
    ],
    [
      'a write-only binding',
      PARAMS + BINDINGS.replace('read_write', 'write') + MAIN,
      /has the access `write`/,
    ],
    [
      'an idle binding',
      PARAMS + BINDINGS + MAIN.replace('x[lane]', '1.0'),
      /no entry point uses the binding `x`/,
    ],
    ['no entry point', PARAMS + BINDINGS, /has no entry point/],
    [
      'a declaration that it does not know',
      `${PARAMS}${BINDINGS}override LANES: u32 = 64u;\n${MAIN}`,
      /cannot read `override LANES: u32 = 64u;`/,
    ],
    ['a block comment', `/* none */${PARAMS}${BINDINGS}${MAIN}`, /has a block comment/],
    ['a brace too few', PARAMS + BINDINGS + MAIN.trimEnd().slice(0, -1), /does not end/],
    ['a brace too many', `${PARAMS}${BINDINGS}${MAIN}}`, /has a `}` too many/],
  ])('refuses %s, and says so', (_name, source, message) => {
    expect(() => read(source)).toThrow(KernelSourceError);
    expect(() => read(source)).toThrow(message);
    expect(() => read(source)).toThrow(/^shaders\/test\.wgsl: /);
  });
});
