import { expect, test } from 'vitest';
import { median } from './median.ts';

test('median', () => {
  expect(median([5, 1, 9])).toBe(5);
  expect(median([5, 1])).toBe(1);
});
