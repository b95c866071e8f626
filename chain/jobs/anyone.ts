import { jobsAbi } from '../generated/abi.ts';
import type { IncludedTransaction } from '../transaction-queue.ts';
import type { JobOptions } from './job.ts';

/**
 * Pays the worker of a job whose claim stands, and creates the model. Settles the claim if nobody did. Throws
 * ChainError.
 */
export function acceptJob(options: JobOptions): Promise<IncludedTransaction> {
  return options.queue.call(callOf(options, 'accept'));
}

/** Opens a job again whose worker is late or has lost its claim. Throws ChainError. */
export function reopenJob(options: JobOptions): Promise<IncludedTransaction> {
  return options.queue.call(callOf(options, 'reopen'));
}

/**
 * Ends a job that nobody delivered in time. The price becomes the requester's credit in Payments. Throws
 * ChainError.
 */
export function expireJob(options: JobOptions): Promise<IncludedTransaction> {
  return options.queue.call(callOf(options, 'expire'));
}

function callOf({ jobs, job }: JobOptions, functionName: 'accept' | 'reopen' | 'expire') {
  return { address: jobs, abi: jobsAbi, functionName, args: [job] };
}
