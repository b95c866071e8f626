import type { Address, PublicClient } from 'viem';
import type { DeviceAddress } from '../protocol/hex.ts';
import { type Standing, UNKNOWN } from '../protocol/standing.ts';
import { toChainError } from './errors.ts';
import { identityAbi } from './generated/abi.ts';
import { readRecords } from './records.ts';
import type { SwarmLocation } from './swarm-location.ts';

export interface ReadStandingsOptions {
  readonly client: PublicClient;
  readonly identity: Address;
  /** The swarm whose rounds make a device known. */
  readonly location: SwarmLocation;
  readonly devices: readonly DeviceAddress[];
  /** Rounds attested in the swarm from which on a device counts as known. Defaults to 8. */
  readonly knownAfter?: number;
}

/**
 * The standing of devices, in their order, read in two requests whatever their number. Throws ChainError.
 */
export async function readStandings(options: ReadStandingsOptions): Promise<readonly Standing[]> {
  const { client, identity: address, location, devices, knownAfter = 8 } = options;
  if (devices.length === 0) return [];
  try {
    const [records, owners] = await Promise.all([
      readRecords(client, location, devices),
      client.readContract({ address, abi: identityAbi, functionName: 'ownersOf', args: [devices] }),
    ]);
    return devices.map((_, i): Standing => {
      const owner = owners[i];
      if (owner !== undefined && BigInt(owner) !== 0n) return { kind: 'bound', owner };
      return (records[i]?.attestations ?? 0) >= knownAfter ? { kind: 'known' } : UNKNOWN;
    });
  } catch (error) {
    throw toChainError(error);
  }
}
