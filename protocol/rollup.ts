import { type Address, isAddress } from 'viem';

/** The contracts of paid and disputed training, beside identity and participation. */
export interface RollupContracts {
  readonly judge: Address;
  readonly disputes: Address;
  readonly payments: Address;
  readonly ownership: Address;
  readonly jobs: Address;
  readonly crowdfund: Address;
  readonly trainingRecord: Address;
  readonly descriptions: Address;
  /** Bonds of devices that compute hops; undefined for a network without them. */
  readonly handoffs?: Address | undefined;
  /** Pay by hops; undefined for a network without it. */
  readonly hopShares?: Address | undefined;
}

/**
 * The `rollup` entry of a network file, with addresses in lower case; undefined where the file has none,
 * which is a network without paid training. `wrong` makes the error for the field that is no address.
 */
export function parseRollup(value: unknown, wrong: (field: string) => Error): RollupContracts | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || value === null) throw wrong('rollup');
  const entries = value as Readonly<Record<string, unknown>>;
  const address = (name: keyof RollupContracts): Address => {
    const text = entries[name];
    if (typeof text !== 'string' || !isAddress(text, { strict: false })) throw wrong(`rollup.${name}`);
    return text.toLowerCase() as Address;
  };
  return {
    judge: address('judge'),
    disputes: address('disputes'),
    payments: address('payments'),
    ownership: address('ownership'),
    jobs: address('jobs'),
    crowdfund: address('crowdfund'),
    trainingRecord: address('trainingRecord'),
    descriptions: address('descriptions'),
    ...(entries.handoffs === undefined ? {} : { handoffs: address('handoffs') }),
    ...(entries.hopShares === undefined ? {} : { hopShares: address('hopShares') }),
  };
}
