import type { Chain, EIP1193Provider } from 'viem';
import { type Config, type CreateConnectorFn, createConfig, createStorage, http } from 'wagmi';
import { injected } from 'wagmi/connectors/injected';
import { boundedFetch, chainOf } from '../../chain/network.ts';
import type { Network } from '../../protocol/network-file.ts';
import { developmentWallet } from './development-wallet.ts';

/** The network's chain with everything that a wallet shows of it. */
function walletChain(network: Network): Chain {
  const { name, explorer, local } = network;
  return {
    ...chainOf(network),
    name,
    blockExplorers: explorer === null ? undefined : { default: { name: 'Explorer', url: explorer } },
    testnet: local,
  };
}

/**
 * wagmi for one network: every wallet that announces itself (EIP-6963), the local node's account on a local
 * network, and WalletConnect only where the network names a project, because it speaks through a server
 * outside.
 */
export async function walletConfig(network: Network): Promise<Config> {
  const chain = walletChain(network);
  const connectors: CreateConnectorFn[] = [];
  if (network.local) connectors.push(developmentConnector(network));
  if (network.walletConnectProjectId !== null) {
    const { walletConnect } = await import('wagmi/connectors/walletConnect');
    connectors.push(walletConnect({ projectId: network.walletConnectProjectId, showQrModal: false }));
  }
  return createConfig({
    chains: [chain],
    connectors,
    transports: { [chain.id]: http(network.rpc, { fetchFn: boundedFetch() }) },
    multiInjectedProviderDiscovery: true,
    storage: createStorage({ storage: localStorage, key: 'starling.wallet' }),
  });
}

const DEVELOPMENT_ID = 'development';

function developmentConnector(network: Network): CreateConnectorFn {
  const provider = developmentWallet({
    rpc: network.rpc,
    chainId: network.chainId,
    fetcher: (...request) => fetch(...request),
    // The last account pays for the transactions (bind-device.ts). This one is the owner.
    fromLast: 1,
  });
  return injected({
    target: () => ({
      id: DEVELOPMENT_ID,
      name: 'Development account of the local network',
      provider: provider as unknown as EIP1193Provider,
    }),
  });
}
