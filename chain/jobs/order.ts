import type { Address, Hex } from 'viem';

/** Shares of every model, as in contracts/src/Ownership.sol. */
export const TOTAL_SHARES = 1_000_000;

/** What a requester asks for. */
export interface Order {
  /** Hash of the terms, as `termsHash` of protocol/slot-encoding.ts computes it. */
  readonly terms: Hex;
  /** sha2-256 digest of the description of the run. The contract calls it `about`. */
  readonly descriptionHash: Hex;
  /** Token of price and bond; COIN of payments.ts for the chain's coin. */
  readonly token: Address;
  /** What the worker gets, in the token's smallest unit. */
  readonly price: bigint;
  /** What a worker pays in and loses if it fails, in the token's smallest unit. */
  readonly bond: bigint;
  /** Seconds after posting in which the job can be claimed. */
  readonly claimSeconds: number;
  /** Seconds from claiming to delivering. */
  readonly workSeconds: number;
  /** Shares of the model for the worker, of TOTAL_SHARES. The others are the requester's. */
  readonly workerShares: number;
  /** Steps of the run's terms. The window of the worker's claim grows with them. */
  readonly steps: number;
}

/** `IJobs.Order`. */
export interface OrderStruct extends Omit<Order, 'descriptionHash'> {
  readonly about: Hex;
}

/** The order as the contracts take it. */
export function toOrderStruct({ descriptionHash, ...order }: Order): OrderStruct {
  return { ...order, about: descriptionHash };
}

/** The order that a contract returned, with its token's address in lower case. */
export function fromOrderStruct({ about, token, ...order }: OrderStruct): Order {
  return { ...order, descriptionHash: about, token: token.toLowerCase() as Address };
}
