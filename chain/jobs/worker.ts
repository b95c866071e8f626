import type { Address, Hex } from 'viem';
import type { Terms } from '../../protocol/evidence.ts';
import { jobsAbi } from '../generated/abi.ts';
import { allow, COIN } from '../payments.ts';
import type { IncludedTransaction, TransactionQueue } from '../transaction-queue.ts';
import { readJob } from './job.ts';

export interface JobOptions {
  /** Of the account that acts and pays. */
  readonly queue: TransactionQueue;
  readonly jobs: Address;
  readonly job: bigint;
}

/** Claims a job and pays its bond in. Approves the token before where that is needed. Throws ChainError. */
export async function claimJob(options: JobOptions): Promise<IncludedTransaction> {
  const { queue, jobs, job } = options;
  const { order } = await readJob(queue.client, jobs, job);
  await allow(queue, order.token, jobs, order.bond);
  return queue.call({
    address: jobs,
    abi: jobsAbi,
    functionName: 'claim',
    args: [job],
    value: order.token === COIN ? order.bond : 0n,
  });
}

export interface DeliverJobOptions extends JobOptions {
  /** Number of the worker's claim on Disputes, made after it had claimed the job. */
  readonly claim: bigint;
  readonly terms: Terms;
  /** Checkpoint root after the last step. */
  readonly root: Hex;
  /**
   * The path that shows `root` as the last leaf of the claim's tree, from `claimTree` of disputes/trees.ts.
   */
  readonly proof: readonly Hex[];
}

/** Delivers a claim on Disputes for a job. Throws ChainError. */
export function deliverJob(options: DeliverJobOptions): Promise<IncludedTransaction> {
  const { queue, jobs, job, claim, terms, root, proof } = options;
  return queue.call({
    address: jobs,
    abi: jobsAbi,
    functionName: 'deliver',
    args: [job, claim, terms, root, proof],
  });
}
