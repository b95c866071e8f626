import { useCallback } from 'react';
import type { WalletClient } from 'viem';
import { useConfig, useConnection } from 'wagmi';
import { getWalletClient } from 'wagmi/actions';
import type { Network } from '../../protocol/network-file.ts';

export interface ConnectedPayer {
  /** Lower case; null while no wallet is connected. */
  readonly address: `0x${string}` | null;
  /** The wallet to pay from. Throws a sentence for the person when none is connected or it is on another chain. */
  readonly payer: () => Promise<WalletClient>;
}

/** The wallet that pays on this screen. */
export function useWallet(network: Network): ConnectedPayer {
  const config = useConfig();
  const { address, chainId } = useConnection();
  const payer = useCallback(async (): Promise<WalletClient> => {
    if (address === undefined) throw new Error('Connect a wallet first.');
    if (chainId !== network.chainId) {
      throw new Error(
        `Your wallet is on chain ${chainId}. Switch it to ${network.name} (${network.chainId}).`,
      );
    }
    return getWalletClient(config, { chainId: network.chainId });
  }, [config, address, chainId, network]);
  return { address: address === undefined ? null : (address.toLowerCase() as `0x${string}`), payer };
}
