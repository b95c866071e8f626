import { type Address, parseEventLogs } from 'viem';
import { ChainError } from '../errors.ts';
import { jobsAbi } from '../generated/abi.ts';
import { allow, COIN } from '../payments.ts';
import { type Done, type Parties, transact } from '../transact.ts';
import type { Order } from './order.ts';

export interface PostJobOptions extends Parties {
  readonly jobs: Address;
  readonly order: Order;
}

/** Posts a job and pays its price in; a token is approved first where that is needed. Throws ChainError. */
export async function postJob(options: PostJobOptions): Promise<Done & { readonly job: bigint }> {
  const { jobs, order } = options;
  await allow(options, order.token, jobs, order.price);
  const done = await transact(options, {
    address: jobs,
    abi: jobsAbi,
    functionName: 'post',
    args: [order],
    value: order.token === COIN ? order.price : 0n,
  });
  const [posted] = parseEventLogs({ abi: jobsAbi, logs: [...done.logs], eventName: 'Posted' });
  if (posted === undefined)
    throw new ChainError('wrong-network', 'The contract at this address is not Jobs.');
  return { ...done, job: posted.args.job };
}

/** Takes a job back that no worker holds; its price is credit in Payments then. Throws ChainError. */
export function cancelJob(
  options: Parties & { readonly jobs: Address; readonly job: bigint },
): Promise<Done> {
  const { jobs, job } = options;
  return transact(options, { address: jobs, abi: jobsAbi, functionName: 'cancel', args: [job] });
}
