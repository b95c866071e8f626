import { type Hex, type PublicClient, parseAbiItem } from 'viem';
import type { Network } from '../../protocol/network-file.ts';

const ATTESTED = parseAbiItem(
  'event Attested(uint64 indexed swarm, address indexed device, uint64 round, bytes32 checkpointRoot, bytes32 rolloutDigest)',
);

/**
 * What a device has on the chain in the network's swarm, read with viem alone: nothing of the project's own
 * clients.
 */
export async function attestationsOf(
  client: PublicClient,
  network: Pick<Network, 'contracts' | 'swarm'>,
  device: Hex,
): Promise<readonly { readonly round: number; readonly checkpointRoot: Hex; readonly rolloutDigest: Hex }[]> {
  const logs = await client.getLogs({
    address: network.contracts.participation,
    event: ATTESTED,
    args: { swarm: BigInt(network.swarm), device },
    fromBlock: 0n,
    strict: true,
  });
  return logs.map((log) => ({
    round: Number(log.args.round),
    checkpointRoot: log.args.checkpointRoot,
    rolloutDigest: log.args.rolloutDigest,
  }));
}
