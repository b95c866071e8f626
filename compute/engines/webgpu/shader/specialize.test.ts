import { describe, expect, it } from 'vitest';
import { specialize } from './specialize.ts';

const lines = (...text: string[]) => text.join('\n');

describe('specialize', () => {
  it('sets constants and leaves others alone', () => {
    const source = lines('const A = 1u;', 'const B = A * 2u;');
    expect(specialize(source, { A: 7 })).toBe(lines('const A = 7u;', 'const B = A * 2u;'));
  });

  it('repeats lines, also within each other, up to a constant', () => {
    const source = lines(
      'const N = 1u;',
      '//# for i in N',
      'x$i;',
      '//# for j in 2',
      'y$i$ju;',
      '//# end',
      '//# end',
    );
    expect(specialize(source, { N: 2 })).toBe(
      lines('const N = 2u;', 'x0;', 'y00u;', 'y01u;', 'x1;', 'y10u;', 'y11u;'),
    );
  });

  it('chooses lines', () => {
    const source = lines('const F = 0u;', '//# if F', 'yes', '//# else', 'no', '//# end', 'after');
    expect(specialize(source, {})).toBe(lines('const F = 0u;', 'no', 'after'));
    expect(specialize(source, { F: 1 })).toBe(lines('const F = 1u;', 'yes', 'after'));
    expect(specialize(lines('const F = 0u;', '//# if F', 'yes', '//# end'), {})).toBe('const F = 0u;');
  });

  it.each([
    ['an unknown constant', 'x', { A: 1 }, /declares no constant A/],
    ['a condition on nothing', lines('//# if A', '//# end'), {}, /names A/],
    ['a bound that is computed', lines('const A = 1u + 1u;', '//# for i in A', '//# end'), {}, /names A/],
    ['a missing end', lines('const A = 1u;', '//# if A', 'x'), {}, /no end/],
    ['an end too many', lines('x', '//# end'), {}, /too many/],
    ['a loop without a bound', lines('//# for i', '//# end'), {}, /malformed/],
  ])('refuses %s', (_name, source, constants, message) => {
    expect(() => specialize(source, constants)).toThrow(message);
  });
});
