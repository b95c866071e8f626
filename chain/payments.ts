import { type Address, erc20Abi, type PublicClient, zeroAddress } from 'viem';
import { toChainError } from './errors.ts';
import { paymentsAbi } from './generated/abi.ts';
import type { IncludedTransaction, TransactionQueue } from './transaction-queue.ts';

/** The chain's own coin, where a token is asked for. */
export const COIN: Address = zeroAddress;

/** What an account can draw of a token, in its smallest unit. Throws ChainError. */
export async function readCredit(
  client: PublicClient,
  payments: Address,
  account: Address,
  token: Address = COIN,
): Promise<bigint> {
  try {
    return await client.readContract({
      address: payments,
      abi: paymentsAbi,
      functionName: 'creditOf',
      args: [account, token],
    });
  } catch (error) {
    throw toChainError(error);
  }
}

export interface WithdrawOptions {
  /** Of the account that is owed. */
  readonly queue: TransactionQueue;
  readonly payments: Address;
  /** Defaults to the chain's coin. */
  readonly token?: Address;
  /** Defaults to all there is. */
  readonly amount?: bigint;
  /** Defaults to the queue's account. */
  readonly to?: Address;
}

/** Draws what the queue's account is owed. Throws ChainError. */
export async function withdrawCredit(options: WithdrawOptions): Promise<IncludedTransaction> {
  const { queue, payments, token = COIN } = options;
  const amount = options.amount ?? (await readCredit(queue.client, payments, queue.address, token));
  return queue.call({
    address: payments,
    abi: paymentsAbi,
    functionName: 'withdraw',
    args: [token, amount, options.to ?? queue.address],
  });
}

/**
 * Lets a contract take exactly this much of a token from the queue's account, unless it may take as much
 * already. Sends nothing for the chain's coin. Throws ChainError.
 */
export async function allow(
  queue: TransactionQueue,
  token: Address,
  spender: Address,
  amount: bigint,
): Promise<IncludedTransaction | undefined> {
  if (token === COIN || amount === 0n) return undefined;
  let allowed: bigint;
  try {
    allowed = await queue.client.readContract({
      address: token,
      abi: erc20Abi,
      functionName: 'allowance',
      args: [queue.address, spender],
    });
  } catch (error) {
    throw toChainError(error);
  }
  if (allowed >= amount) return undefined;
  return queue.call({ address: token, abi: erc20Abi, functionName: 'approve', args: [spender, amount] });
}
