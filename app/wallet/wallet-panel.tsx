import { ConnectedWallet } from './connected-wallet.tsx';
import { WalletProvider } from './wallet-provider.tsx';

/** Everything about wallets, in a chunk of its own that is fetched when a volunteer asks for it. */
export default function WalletPanel() {
  return <WalletProvider>{(network) => <ConnectedWallet network={network} />}</WalletProvider>;
}
