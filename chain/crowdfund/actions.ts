import { type Address, parseEventLogs } from 'viem';
import { ChainError } from '../errors.ts';
import { crowdfundAbi } from '../generated/abi.ts';
import { type Order, toOrderStruct } from '../jobs/order.ts';
import { allow, COIN } from '../payments.ts';
import { requireToken, type TokenAmount } from '../token-amount.ts';
import type { IncludedTransaction, TransactionQueue } from '../transaction-queue.ts';
import { readCampaign } from './campaign.ts';

interface CrowdfundOptions {
  /** Of the account that acts and pays. */
  readonly queue: TransactionQueue;
  readonly crowdfund: Address;
}

export interface StartCampaignOptions extends CrowdfundOptions {
  readonly order: Order;
  /** Last second (Unix time) at which a pledge is taken. */
  readonly deadline: number;
}

/** Starts a campaign for a job. Throws ChainError. */
export async function startCampaign(
  options: StartCampaignOptions,
): Promise<IncludedTransaction & { readonly campaign: bigint }> {
  const { queue, crowdfund, order, deadline } = options;
  const done = await queue.call({
    address: crowdfund,
    abi: crowdfundAbi,
    functionName: 'start',
    args: [toOrderStruct(order), deadline],
  });
  const [started] = parseEventLogs({ abi: crowdfundAbi, logs: [...done.logs], eventName: 'Started' });
  if (started === undefined) throw elsewhere();
  return { ...done, campaign: started.args.campaign };
}

export interface PledgeOptions extends CrowdfundOptions {
  readonly campaign: bigint;
  /** The amount that the person saw, in the token that the person saw. */
  readonly amount: TokenAmount;
}

/**
 * Pledges to a campaign, and approves the token before where that is needed. If less than the amount is
 * missing, only that is approved and paid. If another pledge comes first, what is left of a pledge in coin
 * becomes credit in Payments. Throws ChainError, and UnexpectedTokenError for a campaign in another token.
 */
export async function pledgeTo(
  options: PledgeOptions,
): Promise<IncludedTransaction & { readonly pledge: bigint; readonly taken: bigint }> {
  const { queue, crowdfund, campaign, amount } = options;
  const { order, raised } = await readCampaign(queue.client, crowdfund, campaign);
  requireToken(amount.token.address, order.token);
  const missing = order.price - raised;
  const due = missing > 0n && amount.units > missing ? missing : amount.units;
  await allow(queue, order.token, crowdfund, due);
  const done = await queue.call({
    address: crowdfund,
    abi: crowdfundAbi,
    functionName: 'pledge',
    args: [campaign, due],
    value: order.token === COIN ? due : 0n,
  });
  const [pledged] = parseEventLogs({ abi: crowdfundAbi, logs: [...done.logs], eventName: 'Pledged' });
  if (pledged === undefined) throw elsewhere();
  return { ...done, pledge: pledged.args.pledge, taken: pledged.args.amount };
}

/** Posts the job of a campaign that has reached its goal. Anybody may. Throws ChainError. */
export async function handOver(
  options: CrowdfundOptions & { readonly campaign: bigint },
): Promise<IncludedTransaction & { readonly job: bigint }> {
  const { queue, crowdfund, campaign } = options;
  const done = await queue.call({
    address: crowdfund,
    abi: crowdfundAbi,
    functionName: 'handOver',
    args: [campaign],
  });
  const [handed] = parseEventLogs({ abi: crowdfundAbi, logs: [...done.logs], eventName: 'HandedOverTo' });
  if (handed === undefined) throw elsewhere();
  return { ...done, job: handed.args.job };
}

/** Returns a pledge of a failed campaign as credit in Payments. Anybody may. Throws ChainError. */
export function refundPledge(
  options: CrowdfundOptions & { readonly pledge: bigint },
): Promise<IncludedTransaction> {
  const { queue, crowdfund, pledge } = options;
  return queue.call({
    address: crowdfund,
    abi: crowdfundAbi,
    functionName: 'refund',
    args: [pledge],
  });
}

/**
 * Gives a pledge its part of an ended job: shares, and money as credit in Payments. Anybody may. Throws
 * ChainError.
 */
export function collectPledge(
  options: CrowdfundOptions & { readonly pledge: bigint },
): Promise<IncludedTransaction> {
  const { queue, crowdfund, pledge } = options;
  return queue.call({
    address: crowdfund,
    abi: crowdfundAbi,
    functionName: 'collect',
    args: [pledge],
  });
}

function elsewhere(): ChainError {
  return new ChainError('wrong-network', 'The contract at this address is not Crowdfund.');
}
