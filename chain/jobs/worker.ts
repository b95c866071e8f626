import type { Hex } from 'viem';
import type { Terms } from '../../protocol/evidence.ts';
import { ChainError } from '../errors.ts';
import { jobsAbi } from '../generated/abi.ts';
import { allow, COIN } from '../payments.ts';
import { requireToken } from '../token-amount.ts';
import type { IncludedTransaction } from '../transaction-queue.ts';
import { type DoableJob, spendLook } from './can-do.ts';
import { type JobOptions, readJob } from './job.ts';

export interface ClaimJobOptions extends Omit<JobOptions, 'job'> {
  /** The look at the job that said that it can be done. It serves one claim. */
  readonly job: DoableJob;
}

/**
 * Claims a job that was looked at and pays its bond in. Throws ChainError, with the code `invalid` for a look
 * that has served already, and UnexpectedTokenError where the job is in another token than the one looked at.
 */
export async function claimJob(options: ClaimJobOptions): Promise<IncludedTransaction> {
  const { queue, jobs, job } = options;
  spendLook(job);
  const { order } = await readJob(queue.client, jobs, job.id);
  requireToken(job.token, order.token);
  if (order.terms !== job.terms || order.bond !== job.bond) {
    throw new ChainError('invalid', 'The job is not the one that was looked at. Look at it again.');
  }
  await allow(queue, order.token, jobs, order.bond);
  return queue.call({
    address: jobs,
    abi: jobsAbi,
    functionName: 'claim',
    args: [job.id],
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
