import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { type Config, WagmiProvider } from 'wagmi';
import type { Network } from '../../protocol/network-file.ts';
import { useVolunteer } from '../volunteer/volunteer-context.tsx';
import { walletConfig } from './wallet-config.ts';
import { walletSentence } from './wallet-error.ts';

const queries = new QueryClient();

interface Ready {
  readonly network: Network;
  readonly config: Config;
}

/** One for the page, so that a wallet that is connected on one screen is connected on the others. */
let prepared: Promise<Ready> | null = null;

function prepare(network: () => Promise<Network>): Promise<Ready> {
  prepared ??= network().then(async (known) => ({ network: known, config: await walletConfig(known) }));
  prepared.catch(() => {
    prepared = null;
  });
  return prepared;
}

/** Gives its children wagmi and the network, once the network is known. */
export function WalletProvider({ children }: { readonly children: (network: Network) => ReactNode }) {
  const volunteer = useVolunteer();
  const [ready, setReady] = useState<Ready | null>(null);
  const [failure, setFailure] = useState<string | null>(null);

  useEffect(() => {
    let current = true;
    prepare(() => volunteer.network()).then(
      (made) => {
        if (current) setReady(made);
      },
      (error: unknown) => {
        if (current) setFailure(walletSentence(error));
      },
    );
    return () => {
      current = false;
    };
  }, [volunteer]);

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
      <QueryClientProvider client={queries}>{children(ready.network)}</QueryClientProvider>
    </WagmiProvider>
  );
}
