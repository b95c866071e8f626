import { type Address, getAbiItem, type Hex, type PublicClient, parseEventLogs } from 'viem';
import { toChainError } from './errors.ts';
import { participationAbi } from './generated/abi.ts';
import { logsOfBlocks } from './logs.ts';
import type { SwarmLocation } from './swarm-location.ts';

/** An attestation of one swarm found on the chain. */
export interface AttestationOnChain {
  /** Lower case. */
  readonly device: Hex;
  readonly round: number;
  readonly checkpointRoot: Hex;
  readonly rolloutDigest: Hex;
  readonly block: number;
  readonly transaction: Hex;
  /** This attestation's equal share of the gas its transaction used. */
  readonly gas: number;
  /** How many attestations the transaction carried. */
  readonly batch: number;
}

export interface ReadAttestationsOptions {
  readonly client: PublicClient;
  readonly location: SwarmLocation;
  /** Only attestations of this device. */
  readonly device?: Address;
  /** First and last block, both included. */
  readonly fromBlock: bigint;
  readonly toBlock: bigint;
}

const ATTESTED = getAbiItem({ abi: participationAbi, name: 'Attested' });

/** Attestations of a swarm in a range of blocks, in the chain's order. Throws ChainError. */
export async function readAttestations(options: ReadAttestationsOptions): Promise<AttestationOnChain[]> {
  const { client, location, device, fromBlock, toBlock } = options;
  const { participation } = location;
  const found: AttestationOnChain[] = [];
  const receipts = new Map<Hex, { readonly gas: number; readonly batch: number }>();
  try {
    const logs = await logsOfBlocks(fromBlock, toBlock, (range) =>
      client.getLogs({
        ...{ ...range, address: participation, event: ATTESTED, strict: true },
        args: { swarm: BigInt(location.swarm), device },
      }),
    );
    for (const { args, blockNumber, transactionHash } of logs) {
      const cost = receipts.get(transactionHash) ?? (await costOf(client, participation, transactionHash));
      receipts.set(transactionHash, cost);
      found.push({
        device: `0x${args.device.slice(2).toLowerCase()}`,
        round: Number(args.round),
        checkpointRoot: args.checkpointRoot,
        rolloutDigest: args.rolloutDigest,
        block: Number(blockNumber),
        transaction: transactionHash,
        ...cost,
      });
    }
  } catch (error) {
    throw toChainError(error);
  }
  return found;
}

async function costOf(client: PublicClient, participation: Address, hash: Hex) {
  const receipt = await client.getTransactionReceipt({ hash });
  const own = receipt.logs.filter((log) => log.address.toLowerCase() === participation.toLowerCase());
  const batch = parseEventLogs({ abi: participationAbi, logs: own, eventName: 'Attested' }).length;
  return { gas: Math.round(Number(receipt.gasUsed) / batch), batch };
}

export interface WatchAttestationsOptions extends Omit<ReadAttestationsOptions, 'toBlock'> {
  readonly onAttestation: (attestation: AttestationOnChain) => void;
  /** Resolves after some ms, or at once when the signal fires. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
  /** Time between two questions to the node, in ms. Defaults to 1000. */
  readonly pollMs?: number;
}

/**
 * Calls back for every attestation from `fromBlock` on, once for each, until the signal fires. Resolves then.
 * While the node is out of reach it keeps asking, so no attestation is missed.
 */
export async function watchAttestations(options: WatchAttestationsOptions): Promise<void> {
  const { client, sleep, signal, pollMs = 1000, onAttestation } = options;
  let next = options.fromBlock;
  while (!signal.aborted) {
    const found: AttestationOnChain[] = [];
    try {
      const newest = await client.getBlockNumber({ cacheTime: 0 });
      if (newest >= next) {
        found.push(...(await readAttestations({ ...options, fromBlock: next, toBlock: newest })));
        next = newest + 1n;
      }
    } catch {
      // The next pass asks for the same blocks again. The clock reports that the node is away.
    }
    if (signal.aborted) return;
    for (const each of found) onAttestation(each);
    await sleep(pollMs, signal);
  }
}

/**
 * The number of the first block at or after a Unix time in seconds; the number after the newest block's if
 * there is none yet. Throws ChainError.
 */
export async function firstBlockSince(client: PublicClient, seconds: number): Promise<bigint> {
  try {
    let low = 0n;
    let high = (await client.getBlockNumber({ cacheTime: 0 })) + 1n;
    while (low < high) {
      const middle = (low + high) / 2n;
      const { timestamp } = await client.getBlock({ blockNumber: middle });
      if (timestamp < BigInt(Math.floor(seconds))) low = middle + 1n;
      else high = middle;
    }
    return low;
  } catch (error) {
    throw toChainError(error);
  }
}
