import { describe, expect, expectTypeOf, it } from 'vitest';
import { KERNELS } from '../../../generated/kernels.ts';
import { SHADERS } from '../../../generated/shaders.ts';
import { bitsOf } from '../../../repops/arithmetic.ts';
import { PARAMS_BYTES } from './bind-group-layouts.ts';
import {
  type BindingsOf,
  bindingInterface,
  type ConstantsOf,
  checkCall,
  type EntryOf,
  encodeParams,
  KernelInterfaceError,
  type KernelName,
  kernelConstants,
  kernelInterface,
  type ParamsOf,
} from './kernel-interface.ts';

const NAMES = Object.keys(KERNELS) as KernelName[];

describe('the table of kernels', () => {
  it('has the types of the WGSL', () => {
    expectTypeOf<ParamsOf<'clip.scale'>>().toEqualTypeOf<{
      readonly count: number;
      readonly maxNorm: number;
    }>();
    expectTypeOf<EntryOf<'fold.block'>>().toEqualTypeOf<'main' | 'squares' | 'products'>();
    expectTypeOf<BindingsOf<'fold.block', 'products', string>>().toEqualTypeOf<{
      readonly x: string;
      readonly y: string;
      readonly partials: string;
    }>();
    expectTypeOf<BindingsOf<'fold.block', 'squares', string>>().not.toHaveProperty('y');
    expectTypeOf<ConstantsOf<'matmul.register-tiled'>>().toHaveProperty('ROWS').toBeNumber();
    // @ts-expect-error there is no such kernel
    expectTypeOf<ParamsOf<'matmul.tiles'>>();
  });

  it('has a source in both variants for every kernel, and no other source', () => {
    expect(Object.keys(SHADERS).sort()).toEqual(NAMES.flatMap((name) => [name, `${name}@barrier`]).sort());
  });

  it('has Params that fit their uniform, and at most 8 storage buffers an entry point', () => {
    for (const name of NAMES) {
      const { params, entries } = kernelInterface(name);
      expect(Object.keys(params).length + 1).toBeLessThanOrEqual(PARAMS_BYTES / 4);
      for (const used of Object.values(entries)) expect(used.length).toBeLessThanOrEqual(8);
    }
  });

  it('gives constants their value in the text', () => {
    expect(SHADERS['embed.sort']).toContain(`const CHUNK = ${kernelConstants('embed.sort').CHUNK}u;`);
  });
});

describe('encodeParams', () => {
  it('encodes each value by its type in the WGSL, in the order of the WGSL', () => {
    const params: ParamsOf<'add.scaled'> = { scale: -1.5, count: 7 };
    expect(encodeParams('add.scaled', params)).toEqual([7, bitsOf(-1.5)]);
    expect(encodeParams('add', { count: 2 ** 32 - 1 })).toEqual([2 ** 32 - 1]);
  });

  it.each([-1, 0.5, 2 ** 32, Number.NaN])('refuses %d where the WGSL has a u32', (count) => {
    expect(() => encodeParams('add', { count })).toThrow(KernelInterfaceError);
    expect(() => encodeParams('add', { count })).toThrow(/add: the parameter count is u32/);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses %d where the WGSL has an f32', (scale) => {
    expect(() => encodeParams('add.scaled', { count: 1, scale })).toThrow(/the parameter scale is f32/);
  });

  it('refuses params that lack a field', () => {
    expect(() => encodeParams('add.scaled', { count: 1 })).toThrow(/scale .* cannot be undefined/);
  });
});

describe('checkCall', () => {
  const call = {
    kernel: 'add',
    entry: 'main',
    params: { count: 1 },
    bindings: { a: 0, b: 0, y: 0 },
    constants: {},
  } as const;

  it('accepts exactly what an entry point takes', () => {
    expect(() => checkCall(call)).not.toThrow();
    expect(() => checkCall({ ...call, entry: 'in_place', bindings: { b: 0, y: 0 } })).not.toThrow();
  });

  it.each([
    ['an unknown entry point', { entry: 'inPlace' }, /it has no entry point inPlace/],
    ['a missing parameter', { params: {} }, /main needs the parameter count/],
    ['an unknown parameter', { params: { count: 1, counts: 1 } }, /main does not use a parameter counts/],
    ['a missing binding', { bindings: { a: 0, y: 0 } }, /main needs the binding b/],
    ['a binding of another entry point', { entry: 'in_place' }, /in_place does not use a binding a/],
    ['an unknown constant', { constants: { LANES: 1 } }, /it has no constant LANES/],
  ])('names %s', (_name, change, message) => {
    expect(() => checkCall({ ...call, ...change })).toThrow(KernelInterfaceError);
    expect(() => checkCall({ ...call, ...change })).toThrow(message);
  });
});

describe('bindingInterface', () => {
  it('finds a binding by name', () => {
    expect(bindingInterface('fold.combine', 'out')).toEqual({
      number: 2,
      access: 'read_write',
      elements: ['f32'],
    });
    expect(() => bindingInterface('fold.combine', 'toString')).toThrow(KernelInterfaceError);
  });
});
