import { jobsAbi } from '../generated/abi.ts';
import type { IncludedTransaction } from '../transaction-queue.ts';
import type { JobOptions } from './worker.ts';

/** Pays the worker of a job whose delivered claim stands, and makes the model; settles the claim where that is left. Throws ChainError. */
export function acceptJob(options: JobOptions): Promise<IncludedTransaction> {
  return options.queue.call(callOf(options, 'accept'));
}

/** Takes a job from a worker that is late or whose claim is lost. Throws ChainError. */
export function reopenJob(options: JobOptions): Promise<IncludedTransaction> {
  return options.queue.call(callOf(options, 'reopen'));
}

/** Ends a job that nobody delivered in time; the requester has the money back as credit in Payments. Throws ChainError. */
export function expireJob(options: JobOptions): Promise<IncludedTransaction> {
  return options.queue.call(callOf(options, 'expire'));
}

function callOf({ jobs, job }: JobOptions, functionName: 'accept' | 'reopen' | 'expire') {
  return { address: jobs, abi: jobsAbi, functionName, args: [job] };
}
