import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { type Config, WagmiProvider } from 'wagmi';
import { usePort } from '../screen/volunteer-context.tsx';
import type { Network } from '../volunteer/network.ts';
import { ConnectedWallet } from './connected-wallet.tsx';
import { walletConfig } from './wallet-config.ts';
import { walletSentence } from './wallet-error.ts';

const queries = new QueryClient();

/** Everything about wallets, in a chunk of its own that is fetched when a volunteer asks for it. */
export default function WalletPanel() {
  const port = usePort();
  const [ready, setReady] = useState<{ readonly network: Network; readonly config: Config } | null>(null);
  const [failure, setFailure] = useState<string | null>(null);

  useEffect(() => {
    let current = true;
    const prepare = async () => {
      const network = await port.network();
      const config = await walletConfig(network);
      if (current) setReady({ network, config });
    };
    prepare().catch((error: unknown) => {
      if (current) setFailure(walletSentence(error));
    });
    return () => {
      current = false;
    };
  }, [port]);

  if (failure !== null) {
    return (
      <p className="text-note text-bad" role="status" data-testid="wallet-status">
        {failure}
      </p>
    );
  }
  if (ready === null) return <p className="text-note text-quiet">Looking for wallets…</p>;
  return (
    <WagmiProvider config={ready.config}>
      <QueryClientProvider client={queries}>
        <ConnectedWallet network={ready.network} />
      </QueryClientProvider>
    </WagmiProvider>
  );
}
