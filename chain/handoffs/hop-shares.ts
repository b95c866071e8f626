/** Pay for hops, on the HopShares contract. docs/verde.md has the rules. */
import { type Address, concat, type PublicClient } from 'viem';
import type { Terms } from '../../protocol/evidence.ts';
import type { Handoff } from '../../protocol/handoff.ts';
import { HashTree } from '../../protocol/hash-tree.ts';
import type { Hex } from '../../protocol/hex.ts';
import { toChainError } from '../errors.ts';
import { hopSharesAbi } from '../generated/abi.ts';
import type { IncludedTransaction, TransactionQueue } from '../transaction-queue.ts';
import { signatureOf, statementOf } from './device-bonds.ts';

export interface HopSharesCallOptions {
  /** Of the account that sends the transaction. */
  readonly queue: TransactionQueue;
  /** The HopShares contract. */
  readonly hopShares: Address;
}

/** Who computed a hop: the device, and the digest of its handoff (`handoffDigest`). */
export interface RecordedHop {
  readonly device: Address;
  readonly digest: Hex;
}

/** The record of a claim: one entry for each hop of each step, in this order. */
export function recordTree(hops: readonly RecordedHop[]): HashTree {
  return HashTree.over(hops.map(({ device, digest }) => concat([device, digest])));
}

export interface FundOptions extends HopSharesCallOptions {
  readonly terms: Terms;
  /** The account that will claim the run. */
  readonly claimant: Address;
  /** Hops of each step. */
  readonly hops: number;
  /** Last second in which devices can collect, Unix time. */
  readonly until: number;
  /** Wei, shared by all hops of all steps. */
  readonly amount: bigint;
}

/** Funds a pot. Its number is in the log `Funded`, and is the number of pots before it. Throws ChainError. */
export function fundHops(options: FundOptions): Promise<IncludedTransaction> {
  const { queue, terms, claimant, hops, until, amount } = options;
  const args = [terms, claimant, hops, BigInt(until)] as const;
  return queue.call({ ...at(options), functionName: 'fund', args, value: amount });
}

/** Claimant: records the handoffs that its claim is built on. Throws ChainError. */
export function recordHops(
  options: HopSharesCallOptions & { readonly pot: number; readonly claim: number; readonly root: Hex },
): Promise<IncludedTransaction> {
  const { queue, pot, claim, root } = options;
  return queue.call({
    ...at(options),
    functionName: 'record',
    args: [BigInt(pot), BigInt(claim), root],
  });
}

export interface CollectOptions extends HopSharesCallOptions {
  readonly pot: number;
  /** Whose hops they are: it is paid. */
  readonly device: Address;
  readonly hops: readonly { readonly handoff: Handoff; readonly proof: readonly Hex[] }[];
}

/** Pays a device for hops of the record, as credit in Payments. Throws ChainError. */
export function collectHops(options: CollectOptions): Promise<IncludedTransaction> {
  const { queue, pot, device } = options;
  const entries = options.hops.map(({ handoff, proof }) => ({
    handoff: statementOf(handoff),
    signature: signatureOf(handoff),
    proof,
  }));
  return queue.call({ ...at(options), functionName: 'collect', args: [BigInt(pot), device, entries] });
}

/** Gives what nobody collected in time back to the pot's funder. Throws ChainError. */
export function giveBack(
  options: HopSharesCallOptions & { readonly pot: number },
): Promise<IncludedTransaction> {
  return options.queue.call({ ...at(options), functionName: 'giveBack', args: [BigInt(options.pot)] });
}

/** What is left of a pot, in wei. Throws ChainError. */
export async function readPotLeft(options: {
  readonly client: PublicClient;
  readonly hopShares: Address;
  readonly pot: number;
}): Promise<bigint> {
  try {
    const args = [BigInt(options.pot)] as const;
    const { left } = await options.client.readContract({ ...at(options), functionName: 'potOf', args });
    return left;
  } catch (error) {
    throw toChainError(error);
  }
}

function at({ hopShares }: { readonly hopShares: Address }) {
  return { address: hopShares, abi: hopSharesAbi } as const;
}
