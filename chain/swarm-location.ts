import type { Address } from 'viem';

/** Where the attestations and votes of one swarm are. */
export interface SwarmLocation {
  /** The contract, which counts for every swarm of the deployment. */
  readonly participation: Address;
  /** Number of the swarm in the contract Swarms. */
  readonly swarm: number;
}

/** The location of the swarm that a network's settings name. */
export function locationOf(network: {
  readonly contracts: { readonly participation: Address };
  readonly swarm: number;
}): SwarmLocation {
  return { participation: network.contracts.participation, swarm: network.swarm };
}
