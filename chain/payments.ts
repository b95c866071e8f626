import { type Address, erc20Abi, type PublicClient, zeroAddress } from 'viem';
import { toChainError } from './errors.ts';
import { paymentsAbi } from './generated/abi.ts';
import { accountOf, type Done, type Parties, transact } from './transact.ts';

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

export interface WithdrawOptions extends Parties {
  readonly payments: Address;
  /** Default: the chain's coin. */
  readonly token?: Address;
  /** Default: all there is. */
  readonly amount?: bigint;
  /** Default: the wallet's account. */
  readonly to?: Address;
}

/** Draws what the wallet's account is owed. Throws ChainError. */
export async function withdrawCredit(options: WithdrawOptions): Promise<Done> {
  const { client, wallet, payments, token = COIN } = options;
  const account = accountOf(wallet);
  const amount = options.amount ?? (await readCredit(client, payments, account, token));
  return transact(options, {
    address: payments,
    abi: paymentsAbi,
    functionName: 'withdraw',
    args: [token, amount, options.to ?? account],
  });
}

/**
 * Lets a contract take exactly this much of a token from the wallet's account, when it may not take as much already. Nothing is sent
 * for the chain's coin. Throws ChainError.
 */
export async function allow(
  parties: Parties,
  token: Address,
  spender: Address,
  amount: bigint,
): Promise<Done | undefined> {
  if (token === COIN || amount === 0n) return undefined;
  const { client, wallet } = parties;
  let allowed: bigint;
  try {
    allowed = await client.readContract({
      address: token,
      abi: erc20Abi,
      functionName: 'allowance',
      args: [accountOf(wallet), spender],
    });
  } catch (error) {
    throw toChainError(error);
  }
  if (allowed >= amount) return undefined;
  return transact(parties, {
    address: token,
    abi: erc20Abi,
    functionName: 'approve',
    args: [spender, amount],
  });
}
