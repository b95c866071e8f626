import type { Address, Hex } from 'viem';

/** Shares of every model; contracts/src/Ownership.sol. */
export const TOTAL_SHARES = 1_000_000;

/** What a requester asks for. */
export interface Order {
  /** Hash of the terms; see termsHash of protocol/slot-encoding.ts. */
  readonly terms: Hex;
  /** sha2-256 digest of the description of the run. */
  readonly about: Hex;
  /** Token of price and bond; COIN of payments.ts for the chain's coin. */
  readonly token: Address;
  /** What the worker gets, in the token's smallest unit. */
  readonly price: bigint;
  /** What a worker lays down. */
  readonly bond: bigint;
  /** Seconds after posting in which the job can be claimed. */
  readonly claimSeconds: number;
  /** Seconds from claiming to delivering. */
  readonly workSeconds: number;
  /** Shares of the model for the worker, of TOTAL_SHARES; the others are the requester's. */
  readonly workerShares: number;
}
