import { describe, expect, it } from 'vitest';
import { kernelTable, link } from './build-shaders.mjs';

const MODULES: Readonly<Record<string, string>> = {
  canonical: '//! import barrier\nfn canon(x: f32) -> f32 { return opaque(x); }\n',
  barrier: 'fn opaque(x: f32) -> f32 { return x; }\n',
  'row-sum': '//! import canonical\nfn row_sum() {}\n',
  ping: '//! import pong\n',
  pong: '//! import ping\n',
};

function load(module: string): string {
  const text = MODULES[module];
  if (text === undefined) throw new Error(`no module ${module}`);
  return text;
}

const KERNEL = `
struct Params { zero: u32, count: u32, }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@compute @workgroup_size(64)
fn main() { out[0] = x[params.count]; }
`;

describe('link', () => {
  it('puts each module once, before the modules that need it', () => {
    const linked = link('kernel', '//! import row-sum\n//! import canonical\nfn main() {}\n', load);
    expect(linked.match(/fn \w+/g)).toEqual(['fn opaque', 'fn canon', 'fn row_sum', 'fn main']);
    expect(linked).not.toContain('import');
  });

  it('refuses modules that import each other, and names the circle', () => {
    expect(() => link('kernel', '//! import ping\n', load)).toThrow(/kernel -> ping -> pong -> ping/);
  });

  it('refuses a module that does not exist', () => {
    expect(() => link('kernel', '//! import nothing\n', load)).toThrow(/no module nothing/);
  });
});

describe('kernelTable', () => {
  it('is a module with the interface of each kernel, its bindings by number', () => {
    const text = kernelTable([['copy', KERNEL]]);
    const table = /^export const KERNELS = (.*) as const;$/ms.exec(text)?.[1] ?? '';
    expect(Object.keys(JSON.parse(table).copy.bindings)).toEqual(['x', 'out']);
    expect(JSON.parse(table)).toEqual({
      copy: {
        params: { count: 'u32' },
        bindings: {
          x: { number: 1, access: 'read', elements: ['f32'] },
          out: { number: 2, access: 'read_write', elements: ['f32'] },
        },
        entries: { main: ['x', 'out'] },
        constants: {},
        uniforms: {},
      },
    });
  });
});
