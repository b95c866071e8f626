import { describe, expect, it } from 'vitest';
import {
  COIN_TOKEN,
  coinAmount,
  formatAmount,
  knownToken,
  parseAmount,
  requireToken,
  UnexpectedTokenError,
} from './token-amount.ts';

const OTHER = `0x${'Ab'.repeat(20)}` as const;
const SIX = { address: OTHER, symbol: 'SIX', decimals: 6 } as const;

describe('an amount of a token', () => {
  it.each([
    [0n, '0 ETH'],
    [10n ** 17n, '0.1 ETH'],
    [12_345n * 10n ** 12n, '0.0123 ETH'],
    [15n * 10n ** 17n, '1.5 ETH'],
    [2n * 10n ** 18n, '2 ETH'],
    [100n * 10n ** 18n, '100 ETH'],
  ])('of %d wei is written as %s', (wei, text) => {
    expect(formatAmount(coinAmount(wei))).toBe(text);
  });

  it('has the digits and the symbol of its token', () => {
    expect(formatAmount({ token: SIX, units: 5_000_000_000n })).toBe('5000 SIX');
  });

  it('is read with the digits of its token', () => {
    expect(parseAmount(' 0.25 ', COIN_TOKEN)).toEqual(coinAmount(25n * 10n ** 16n));
    expect(parseAmount('0.25', SIX)).toEqual({ token: SIX, units: 250_000n });
    expect(parseAmount('0.0000001', SIX)).toBeUndefined();
  });

  it.each(['', '0', '-1', '1e3', '.5', '1.', '0.1234567890123456789', '1234567890'])(
    'is not read from "%s"',
    (text) => {
      expect(parseAmount(text, COIN_TOKEN)).toBeUndefined();
    },
  );
});

describe('a token', () => {
  it('is known only if it is the chain’s coin', () => {
    expect(knownToken(COIN_TOKEN.address)).toBe(COIN_TOKEN);
    expect(knownToken(OTHER)).toBeUndefined();
  });

  it('other than the one that the person saw is refused', () => {
    expect(() => requireToken(OTHER, OTHER.toLowerCase() as typeof OTHER)).not.toThrow();
    expect(() => requireToken(COIN_TOKEN.address, OTHER)).toThrow(UnexpectedTokenError);
  });
});
