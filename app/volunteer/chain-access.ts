import { DeviceChain } from '../../chain/device-chain.ts';
import type { DeviceKey } from '../../swarm/device-key.ts';
import type { Network } from './network.ts';
import type { ChainAccess } from './parts.ts';

/** Opens this device's view of the chain. Throws ChainError. A file of its own, so that viem loads when it is needed. */
export function openChain(network: Network, key: DeviceKey): Promise<ChainAccess> {
  return DeviceChain.open({ network, secret: key.secret });
}
