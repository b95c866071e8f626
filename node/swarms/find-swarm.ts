import type { Network } from '../../protocol/network-file.ts';
import { parseSwarmName, SwarmLinkError } from '../../protocol/swarm-link.ts';

/**
 * The network with the swarm that a number or a link names. Throws SwarmLinkError when it names none, or one
 * of another chain.
 */
export function networkOfSwarm(network: Network, name: string | undefined): Network {
  if (name === undefined) return network;
  const { chainId, swarm } = parseSwarmName(name);
  if (chainId === undefined || chainId === network.chainId) return { ...network, swarm };
  throw new SwarmLinkError(
    `The link is of chain ${chainId}, and the network file of chain ${network.chainId}. Name the other network with --network.`,
  );
}
