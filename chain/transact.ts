import type { Abi, Address, Hex, Log, PublicClient, WalletClient } from 'viem';
import { ChainError, toChainError } from './errors.ts';
import * as abis from './generated/abi.ts';

/** A call may be refused by a contract further in, whose reasons the called one's ABI does not list. */
const REASONS: Abi = Object.values(abis).flatMap((abi: Abi) => abi.filter(({ type }) => type === 'error'));

/** Who reads and who pays. */
export interface Parties {
  readonly client: PublicClient;
  /** With the account that acts. */
  readonly wallet: WalletClient;
}

/** One call of a contract's function; actions build it with the types of their ABI. */
export interface ContractCall {
  readonly address: Address;
  readonly abi: Abi;
  readonly functionName: string;
  readonly args: readonly unknown[];
  /** Wei that go with it. */
  readonly value?: bigint | undefined;
}

/** A call that is in a block. */
export interface Done {
  readonly transaction: Hex;
  readonly block: bigint;
  readonly gas: bigint;
  readonly logs: readonly Log[];
}

/**
 * Makes a call and waits until it is in a block. It is tried without sending first, so that what the contract would refuse costs
 * nothing. Throws ChainError with the contract's reason.
 */
export async function transact({ client, wallet }: Parties, call: ContractCall): Promise<Done> {
  const { account } = wallet;
  if (account === undefined) {
    throw new ChainError('invalid', 'The wallet has no account to pay from. Connect one.');
  }
  try {
    const { request } = await client.simulateContract({
      ...call,
      abi: [...call.abi, ...REASONS],
      account,
    });
    const transaction = await wallet.writeContract({ ...request, chain: wallet.chain });
    const receipt = await client.waitForTransactionReceipt({ hash: transaction, timeout: 60_000 });
    if (receipt.status !== 'success') {
      throw new ChainError('refused', 'Something else came first on the chain. Look again and repeat.');
    }
    return { transaction, block: receipt.blockNumber, gas: receipt.gasUsed, logs: receipt.logs };
  } catch (error) {
    throw toChainError(error);
  }
}

/** The account of a wallet. Throws ChainError when it has none. */
export function accountOf(wallet: WalletClient): Address {
  if (wallet.account === undefined) {
    throw new ChainError('invalid', 'The wallet has no account. Connect one.');
  }
  return wallet.account.address;
}
