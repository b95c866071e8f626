import { useCallback } from 'react';
import { useConfig, useConnection } from 'wagmi';
import { getWalletClient } from 'wagmi/actions';
import { connect } from '../../chain/network.ts';
import { type TransactionQueue, TransactionQueues } from '../../chain/transaction-queue.ts';
import type { Network } from '../../protocol/network-file.ts';

export interface ConnectedPayer {
  /** Lower case; null while no wallet is connected. */
  readonly address: `0x${string}` | null;
  /**
   * The queue of the wallet that pays. Throws with a sentence for the person when no wallet is connected, or
   * the wallet is on another chain.
   */
  readonly payer: () => Promise<TransactionQueue>;
}

/** One order of transactions for each account that the person pays from. */
const QUEUES = new TransactionQueues();

/** The wallet that pays on this screen. */
export function useWallet(network: Network): ConnectedPayer {
  const config = useConfig();
  const { address, chainId } = useConnection();
  const payer = useCallback(async (): Promise<TransactionQueue> => {
    if (address === undefined) throw new Error('Connect a wallet first.');
    if (chainId !== network.chainId) {
      throw new Error(
        `Your wallet is on chain ${chainId}. Switch it to ${network.name} (${network.chainId}).`,
      );
    }
    const wallet = await getWalletClient(config, { chainId: network.chainId });
    return QUEUES.open({ client: connect(network), wallet });
  }, [config, address, chainId, network]);
  return { address: address === undefined ? null : (address.toLowerCase() as `0x${string}`), payer };
}
