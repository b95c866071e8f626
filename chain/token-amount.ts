import { type Address, formatUnits, parseUnits } from 'viem';
import { ChainError } from './errors.ts';
import { COIN } from './payments.ts';

/** A token whose amounts can be shown to a person. */
export interface KnownToken {
  /** COIN of payments.ts for the chain's coin. */
  readonly address: Address;
  readonly symbol: string;
  /** Digits after the point of one whole token. */
  readonly decimals: number;
}

/** The chain's own coin. */
export const COIN_TOKEN: KnownToken = { address: COIN, symbol: 'ETH', decimals: 18 };

/** An amount with the token that it is an amount of. */
export interface TokenAmount {
  readonly token: KnownToken;
  /** In the token's smallest unit. */
  readonly units: bigint;
}

/** The known token at an address; undefined for every other, whose amounts mean nothing to a person. */
export function knownToken(address: Address): KnownToken | undefined {
  return address.toLowerCase() === COIN ? COIN_TOKEN : undefined;
}

/** An amount of the chain's coin, from wei. */
export function coinAmount(wei: bigint): TokenAmount {
  return { token: COIN_TOKEN, units: wei };
}

/**
 * The amount that a person typed, such as `0.25`; undefined where the text is no amount above 0 of at most
 * nine digits and the token's decimals.
 */
export function parseAmount(text: string, token: KnownToken): TokenAmount | undefined {
  const typed = /^\d{1,9}(?:\.(\d+))?$/.exec(text.trim());
  if (typed === null || (typed[1] ?? '').length > token.decimals) return undefined;
  const units = parseUnits(text.trim(), token.decimals);
  return units > 0n ? { token, units } : undefined;
}

/** With as many digits as a person reads, and the symbol: `0 ETH`, `0.0123 ETH`, `1.5 ETH`. */
export function formatAmount({ token, units }: TokenAmount): string {
  const value = Number(formatUnits(units, token.decimals));
  if (value === 0) return `0 ${token.symbol}`;
  const digits = value >= 1 ? value.toFixed(3) : value.toPrecision(3);
  return `${digits.replace(/\.?0+$/, '')} ${token.symbol}`;
}

/** The order is in another token than the one that the person saw. Nothing was sent. */
export class UnexpectedTokenError extends ChainError {
  override readonly name = 'UnexpectedTokenError';
  readonly expected: Address;
  readonly found: Address;

  constructor(expected: Address, found: Address) {
    super('invalid', `The order is in another token (${found}) than the one shown. Nothing was paid.`);
    this.expected = expected;
    this.found = found;
  }
}

/** Throws UnexpectedTokenError unless an order's token is the one that the person saw. */
export function requireToken(expected: Address, found: Address): void {
  if (expected.toLowerCase() !== found.toLowerCase()) throw new UnexpectedTokenError(expected, found);
}
