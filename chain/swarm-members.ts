import { type Address, getAbiItem, type PublicClient } from 'viem';
import { firstBlockSince } from './attestations.ts';
import { toChainError } from './errors.ts';
import { participationAbi } from './generated/abi.ts';
import { logsOfBlocks } from './logs.ts';
import { roundMs, type Schedule } from './schedule.ts';

const ATTESTED = getAbiItem({ abi: participationAbi, name: 'Attested' });

/** Devices count as members for this many rounds after their attestation: those that are still open. */
const ROUNDS = 3;
/** Seconds that are looked back at most, so that swarms of day-long rounds do not make a list slow. */
const MOST_SECONDS = 3600;

export interface CountMembersOptions {
  readonly client: PublicClient;
  readonly participation: Address;
  readonly swarms: readonly { readonly id: number; readonly schedule: Schedule }[];
}

/**
 * How many devices attested lately in each of these swarms, by number: in the last three rounds of the
 * longest of them, an hour at most. Devices without an owner are free to make, so this is what was seen and
 * no measure of people. Throws ChainError.
 */
export async function countMembers(options: CountMembersOptions): Promise<ReadonlyMap<number, number>> {
  const { client, participation, swarms } = options;
  if (swarms.length === 0) return new Map();
  const longest = Math.max(...swarms.map(({ schedule }) => roundMs(schedule))) / 1000;
  try {
    const { number, timestamp } = await client.getBlock({ blockTag: 'latest' });
    const since = Number(timestamp) - Math.min(MOST_SECONDS, ROUNDS * longest);
    const logs = await logsOfBlocks(await firstBlockSince(client, since), number, (range) =>
      client.getLogs({
        ...{ ...range, address: participation, event: ATTESTED, strict: true },
        args: { swarm: swarms.map(({ id }) => BigInt(id)) },
      }),
    );
    const devices = new Map(swarms.map(({ id }) => [id, new Set<string>()]));
    for (const { args } of logs) devices.get(Number(args.swarm))?.add(args.device);
    return new Map([...devices].map(([id, { size }]) => [id, size]));
  } catch (error) {
    throw toChainError(error);
  }
}
