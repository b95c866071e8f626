import { createWalletClient, formatEther, type PublicClient, parseEther } from 'viem';
import { ChainError, toChainError } from '../../chain/errors.ts';
import { chainOf, transportOf } from '../../chain/network.ts';
import type { Hex } from '../../protocol/hex.ts';
import type { Network } from '../../protocol/network-file.ts';

/** What the development account gives on a local network beside the cost, in wei. Coin is free there. */
const LOCAL_GIFT = parseEther('1');

export interface EnsureFundsOptions {
  readonly network: Network;
  readonly client: PublicClient;
  /** Of the account that opens the swarm and pays. */
  readonly account: Hex;
  /** What the account must have for the transaction to be taken, in wei. */
  readonly cost: bigint;
  /** File with the account's key, which the error names. */
  readonly keyFile: string;
  /** Told what an account of the local node gave. */
  readonly say: (sentence: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Makes sure that an account can pay for a transaction. On a local network the node's last account gives it
 * coin, as it pays for the page (app/wallet/bind-device.ts). Throws ChainError: 'no-funds' names the account,
 * what it has and what it needs.
 */
export async function ensureFunds(options: EnsureFundsOptions): Promise<void> {
  const { network, client, account, cost, keyFile, say, signal } = options;
  const balance = await orChainError(client.getBalance({ address: account }));
  if (balance >= cost) return;
  const giver = network.local ? await lastAccount(network, signal) : undefined;
  if (giver === undefined) {
    const need = `has ${formatEther(balance)} ether on ${network.name}, and opening the swarm takes at most ${formatEther(cost)}`;
    throw new ChainError(
      'no-funds',
      `The account ${account} of ${keyFile} ${need}. Send it ${formatEther(cost - balance)} ether, and try again.`,
    );
  }
  const value = LOCAL_GIFT + cost;
  const chain = chainOf(network);
  const wallet = createWalletClient({ chain, transport: transportOf(network, { signal }) });
  const gift = await orChainError(wallet.sendTransaction({ account: giver, to: account, value, chain }));
  await orChainError(client.waitForTransactionReceipt({ hash: gift }));
  say(
    `The local node’s account ${giver} gave ${formatEther(value)} ether to ${account}, which had too little.`,
  );
}

/** The last account that a local node holds itself; undefined where it holds none. */
async function lastAccount(network: Network, signal: AbortSignal): Promise<Hex | undefined> {
  const wallet = createWalletClient({
    chain: chainOf(network),
    transport: transportOf(network, { signal }),
  });
  // A node of another kind does not know the question.
  const accounts = await wallet.getAddresses().catch(() => []);
  return accounts.at(-1);
}

async function orChainError<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw toChainError(error);
  }
}
