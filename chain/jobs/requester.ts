import { type Address, parseEventLogs } from 'viem';
import { ChainError } from '../errors.ts';
import { jobsAbi } from '../generated/abi.ts';
import { allow, COIN } from '../payments.ts';
import type { IncludedTransaction, TransactionQueue } from '../transaction-queue.ts';
import { type Order, toOrderStruct } from './order.ts';

export interface PostJobOptions {
  /** Of the requester's account. */
  readonly queue: TransactionQueue;
  readonly jobs: Address;
  readonly order: Order;
}

/** Posts a job and pays its price in. Approves the token before where that is needed. Throws ChainError. */
export async function postJob(
  options: PostJobOptions,
): Promise<IncludedTransaction & { readonly job: bigint }> {
  const { queue, jobs, order } = options;
  await allow(queue, order.token, jobs, order.price);
  const done = await queue.call({
    address: jobs,
    abi: jobsAbi,
    functionName: 'post',
    args: [toOrderStruct(order)],
    value: order.token === COIN ? order.price : 0n,
  });
  const [posted] = parseEventLogs({ abi: jobsAbi, logs: [...done.logs], eventName: 'Posted' });
  if (posted === undefined)
    throw new ChainError('wrong-network', 'The contract at this address is not Jobs.');
  return { ...done, job: posted.args.job };
}

/** Cancels a job that no worker holds. Its price becomes credit in Payments. Throws ChainError. */
export function cancelJob(options: {
  readonly queue: TransactionQueue;
  readonly jobs: Address;
  readonly job: bigint;
}): Promise<IncludedTransaction> {
  const { queue, jobs, job } = options;
  return queue.call({ address: jobs, abi: jobsAbi, functionName: 'cancel', args: [job] });
}
