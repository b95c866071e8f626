import { type Address, getAbiItem, type Hex, type PublicClient } from 'viem';
import { toChainError } from './errors.ts';
import { participationAbi } from './generated/abi.ts';
import { logsOfBlocks } from './logs.ts';
import type { SwarmLocation } from './swarm-location.ts';

/** What a device, or all devices of an owner together, have done in one swarm on the chain. */
export interface ParticipationRecord {
  /** Rounds attested. */
  readonly attestations: number;
  readonly votesCast: number;
  /** How often another device's vote named this one. */
  readonly votesReceived: number;
  /** Latest round attested; undefined when there is none. Earlier ones may be missing. */
  readonly lastRound: number | undefined;
  /** Latest round voted in; undefined when there is none. Earlier ones may be missing. */
  readonly lastVote: number | undefined;
}

interface RawRecord {
  readonly nextRound: bigint;
  readonly nextVote: bigint;
  readonly attestations: bigint;
  readonly votesCast: bigint;
  readonly votesReceived: bigint;
}

/** The records of devices, in the same order, read in one request. Throws ChainError. */
export async function readRecords(
  client: PublicClient,
  { participation, swarm }: SwarmLocation,
  devices: readonly Address[],
): Promise<readonly ParticipationRecord[]> {
  if (devices.length === 0) return [];
  try {
    const raw = await client.readContract({
      address: participation,
      abi: participationAbi,
      functionName: 'recordsOf',
      args: [BigInt(swarm), devices],
    });
    return raw.map(recordFrom);
  } catch (error) {
    throw toChainError(error);
  }
}

/**
 * The sum over every device that an owner ever bound, with what each did before it was bound. Throws
 * ChainError.
 */
export async function readOwnerRecord(
  client: PublicClient,
  { participation, swarm }: SwarmLocation,
  owner: Address,
): Promise<ParticipationRecord> {
  try {
    return recordFrom(
      await client.readContract({
        address: participation,
        abi: participationAbi,
        functionName: 'recordOfOwner',
        args: [BigInt(swarm), owner],
      }),
    );
  } catch (error) {
    throw toChainError(error);
  }
}

export interface ReadHeardOptions {
  readonly client: PublicClient;
  readonly location: SwarmLocation;
  readonly what: 'attestation' | 'vote';
  /** At most 256. */
  readonly devices: readonly Address[];
  readonly round: number;
}

/**
 * Those of the devices, lower case, that the chain has heard on a round: whatever else they sign for it
 * counts no more. Of votes the answer is exact while the round is open. Throws ChainError.
 */
export async function readHeard(options: ReadHeardOptions): Promise<ReadonlySet<Hex>> {
  const { client, location, what, devices, round } = options;
  if (devices.length === 0) return new Set();
  try {
    const bits = await client.readContract({
      address: location.participation,
      abi: participationAbi,
      functionName: what === 'attestation' ? 'attestedEach' : 'votedEach',
      args: [BigInt(location.swarm), devices, BigInt(round)],
    });
    const heard = devices.filter((_, i) => ((bits >> BigInt(i)) & 1n) === 1n);
    return new Set(heard.map((device): Hex => `0x${device.slice(2).toLowerCase()}`));
  } catch (error) {
    throw toChainError(error);
  }
}

export interface Participant extends ParticipationRecord {
  /** Lower case. */
  readonly device: Hex;
}

export interface ReadParticipantsOptions {
  readonly client: PublicClient;
  readonly location: SwarmLocation;
  /** First and last block, both included. */
  readonly fromBlock: bigint;
  readonly toBlock: bigint;
}

const ATTESTED = getAbiItem({ abi: participationAbi, name: 'Attested' });

/**
 * Every device that attested in a swarm between two blocks, with its whole record there. Most attestations
 * first. Throws ChainError.
 */
export async function readParticipants(options: ReadParticipantsOptions): Promise<readonly Participant[]> {
  const { client, location, fromBlock, toBlock } = options;
  const devices = new Set<Hex>();
  try {
    const logs = await logsOfBlocks(fromBlock, toBlock, (range) =>
      client.getLogs({
        ...{ ...range, address: location.participation, event: ATTESTED, strict: true },
        args: { swarm: BigInt(location.swarm) },
      }),
    );
    for (const { args } of logs) devices.add(`0x${args.device.slice(2).toLowerCase()}`);
  } catch (error) {
    throw toChainError(error);
  }
  const all = [...devices];
  const participants: Participant[] = [];
  for (let i = 0; i < all.length; i += 256) {
    const some = all.slice(i, i + 256);
    const records = await readRecords(client, location, some);
    for (const [j, device] of some.entries()) {
      const record = records[j];
      if (record !== undefined) participants.push({ device, ...record });
    }
  }
  return participants.sort(
    (a, b) =>
      b.attestations - a.attestations || b.votesReceived - a.votesReceived || (a.device < b.device ? -1 : 1),
  );
}

function recordFrom(raw: RawRecord): ParticipationRecord {
  return {
    attestations: Number(raw.attestations),
    votesCast: Number(raw.votesCast),
    votesReceived: Number(raw.votesReceived),
    lastRound: raw.nextRound === 0n ? undefined : Number(raw.nextRound) - 1,
    lastVote: raw.nextVote === 0n ? undefined : Number(raw.nextVote) - 1,
  };
}
