import { expect, it } from 'vitest';
import { must } from './must.ts';

it('gives the element of an array or a typed array', () => {
  expect(must(['a', 'b'], 1)).toBe('b');
  expect(must(new Float32Array([0, 2]), 0)).toBe(0);
});

it.each([-1, 2, 0.5, Number.NaN])('refuses the index %s', (index) => {
  expect(() => must(['a', 'b'], index)).toThrow(RangeError);
});
