import { expect, it } from 'vitest';
import { formatEth } from './format-eth.ts';

it.each([
  [0n, '0 ETH'],
  [10n ** 17n, '0.1 ETH'],
  [12_345n * 10n ** 12n, '0.0123 ETH'],
  [15n * 10n ** 17n, '1.5 ETH'],
  [2n * 10n ** 18n, '2 ETH'],
])('writes %d wei as %s', (wei, text) => {
  expect(formatEth(wei)).toBe(text);
});
