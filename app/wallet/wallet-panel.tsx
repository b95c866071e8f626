import { ConnectedWallet } from './connected-wallet.tsx';
import { WalletProvider } from './wallet-provider.tsx';

/** Everything about wallets, in a chunk of its own that loads when a person asks for it. */
export default function WalletPanel() {
  return <WalletProvider>{(network) => <ConnectedWallet network={network} />}</WalletProvider>;
}
