import { describe, expect, expectTypeOf, it } from 'vitest';
import { KernelInterfaceError } from '../shader/kernel-interface.ts';
import { type DispatchStep, dispatch, type Operand } from './steps.ts';

const operand = (name: string): Operand => ({ kind: 'tensor', name });
const [a, b, y] = [operand('a'), operand('b'), operand('y')];

describe('dispatch', () => {
  it('names parameters and bindings, and covers every item', () => {
    const step = dispatch('add', { items: 65, params: { count: 65 }, bindings: { a, b, y } });
    expect(step).toEqual({
      kind: 'dispatch',
      kernel: 'add',
      entry: 'main',
      constants: {},
      params: { count: 65 },
      bindings: { a, b, y },
      groups: [2, 1, 1],
    });
    expectTypeOf(step).toEqualTypeOf<DispatchStep<'add'>>();
    expectTypeOf(step.params).toEqualTypeOf<{ readonly count: number }>();
  });

  it('does not compile, and throws, without a parameter', () => {
    expect(() =>
      // @ts-expect-error scale is missing
      dispatch('add.scaled', { items: 1, params: { count: 1 }, bindings: { a, b, y } }),
    ).toThrow(/needs the parameter scale/);
  });

  it('does not compile, and throws, with a misspelt parameter', () => {
    expect(() =>
      // @ts-expect-error the parameter is called count
      dispatch('add', { items: 1, params: { counts: 1 }, bindings: { a, b, y } }),
    ).toThrow(KernelInterfaceError);
  });

  it('does not compile, and throws, with a misspelt binding', () => {
    expect(() =>
      // @ts-expect-error the binding is called y
      dispatch('add', { items: 1, params: { count: 1 }, bindings: { a, b, out: y } }),
    ).toThrow(/needs the binding y/);
  });

  it('does not compile, and throws, without a binding that the entry point uses', () => {
    const work = { items: 1, params: { rows: 1, length: 1, blocks: 1 } };
    expect(() =>
      // @ts-expect-error products have a y
      dispatch('fold.block', { ...work, entry: 'products', bindings: { x: a, partials: y } }),
    ).toThrow(/products needs the binding y/);
  });

  it('does not compile, and throws, with a binding of another entry point', () => {
    const work = { items: 1, params: { count: 1 } };
    expect(() =>
      // @ts-expect-error in_place reads y, not a
      dispatch('add', { ...work, entry: 'in_place', bindings: { a, b, y } }),
    ).toThrow(/in_place does not use a binding a/);
  });

  it('does not compile, and throws, for a kernel without `main` unless an entry point is named', () => {
    const work = { workgroups: 1, params: { N: 1, pairs: 128, k: 0, j: 0 } };
    expect(() =>
      // @ts-expect-error embed.sort has no main
      dispatch('embed.sort', { ...work, bindings: { ids: a, sorted: y } }),
    ).toThrow(/no entry point main/);
  });

  it('does not compile, and throws, with a misspelt constant', () => {
    const params = { M: 1, N: 1, pairs: 1, tilesN: 1 };
    expect(() =>
      dispatch('matmul.register-tiled', {
        workgroups: 1,
        params,
        // @ts-expect-error the constant is called COLS
        constants: { COLUMNS: 4 },
        bindings: { a, b, c: y },
      }),
    ).toThrow(/no constant COLUMNS/);
  });

  it('throws where a kernel does not number items', () => {
    const params = { M: 1, N: 1, pairs: 1, tilesN: 1 };
    expect(() => dispatch('matmul.register-tiled', { items: 1, params, bindings: { a, b, c: y } })).toThrow(
      /give workgroups/,
    );
  });
});
