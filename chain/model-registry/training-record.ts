import { type Address, getAbiItem, type Hex, type PublicClient, zeroAddress } from 'viem';
import type { Terms } from '../../protocol/evidence.ts';
import { toChainError } from '../errors.ts';
import { trainingRecordAbi } from '../generated/abi.ts';
import { blockRanges } from '../logs.ts';
import type { IncludedTransaction, TransactionQueue } from '../transaction-queue.ts';

interface RecordOptions {
  /** Of the account that acts and pays. */
  readonly queue: TransactionQueue;
  readonly trainingRecord: Address;
}

/** Opens a run under the hash of its terms. Anybody may, once. Throws ChainError. */
export function openRun(options: RecordOptions & { readonly terms: Terms }): Promise<IncludedTransaction> {
  const { queue, trainingRecord, terms } = options;
  return queue.call({
    address: trainingRecord,
    abi: trainingRecordAbi,
    functionName: 'open',
    args: [terms],
  });
}

export interface RecordCheckpointOptions extends RecordOptions {
  /** Hash of the run's terms. */
  readonly run: Hex;
  /** Number of a claim on Disputes that stands. */
  readonly claim: bigint;
  /** Counted from 0. */
  readonly step: number;
  /** Checkpoint root after the step. */
  readonly root: Hex;
  /** The path that shows `root` as leaf `step` of the claim's tree. */
  readonly proof: readonly Hex[];
}

/** Records a checkpoint of a claim that stands. Anybody may. Throws ChainError. */
export function recordCheckpoint(options: RecordCheckpointOptions): Promise<IncludedTransaction> {
  const { queue, trainingRecord, run, claim, step, root, proof } = options;
  return queue.call({
    address: trainingRecord,
    abi: trainingRecordAbi,
    functionName: 'record',
    args: [run, claim, step, root, proof],
  });
}

/** Counts a decided claim for or against its author. Anybody may, once. Throws ChainError. */
export function countClaim(
  options: RecordOptions & { readonly claim: bigint },
): Promise<IncludedTransaction> {
  const { queue, trainingRecord, claim } = options;
  return queue.call({
    address: trainingRecord,
    abi: trainingRecordAbi,
    functionName: 'count',
    args: [claim],
  });
}

/** A checkpoint in the record. */
export interface RecordedCheckpoint {
  readonly root: Hex;
  /** The author of the earliest claim that says so, lower case. */
  readonly contributor: Address;
  /**
   * Whether another claim stands that says otherwise. One of the two is false, and nobody challenged it in
   * time.
   */
  readonly contradicted: boolean;
  readonly claim: bigint;
}

/** The recorded checkpoint after a step; undefined when there is none. Throws ChainError. */
export async function readCheckpoint(
  client: PublicClient,
  trainingRecord: Address,
  run: Hex,
  step: number,
): Promise<RecordedCheckpoint | undefined> {
  try {
    const { contributor, ...found } = await client.readContract({
      address: trainingRecord,
      abi: trainingRecordAbi,
      functionName: 'checkpointOf',
      args: [run, step],
    });
    if (contributor === zeroAddress) return undefined;
    return { ...found, contributor: contributor.toLowerCase() as Address };
  } catch (error) {
    throw toChainError(error);
  }
}

/**
 * How an account's claims ended, as far as they were counted. It proves nothing about training: a claim under
 * terms that say nothing stands too, for gas. Throws ChainError.
 */
export async function readTally(
  client: PublicClient,
  trainingRecord: Address,
  contributor: Address,
): Promise<{ readonly stood: number; readonly lost: number }> {
  try {
    const { stood, lost } = await client.readContract({
      address: trainingRecord,
      abi: trainingRecordAbi,
      functionName: 'tallyOf',
      args: [contributor],
    });
    return { stood: Number(stood), lost: Number(lost) };
  } catch (error) {
    throw toChainError(error);
  }
}

/** A run and a step after which the record has a certain root. */
export interface Origin extends RecordedCheckpoint {
  readonly run: Hex;
  readonly step: number;
}

export interface Origins {
  /** Oldest entry first, each run and step once. */
  readonly found: readonly Origin[];
  /** Whether there are more than were read. */
  readonly hasMore: boolean;
}

export interface OriginsOptions {
  readonly client: PublicClient;
  readonly trainingRecord: Address;
  /** Defaults to the first block. */
  readonly fromBlock?: bigint;
}

/** The most entries of one root that are read. */
const MOST_ORIGINS = 256;
const READ_AT_ONCE = 16;

const RECORDED = getAbiItem({ abi: trainingRecordAbi, name: 'Recorded' });

/**
 * Every run and step under which a root is recorded, 256 at most. None of them is proved to be training:
 * anybody can record any root under terms of its own. A reader takes only runs whose terms it has computed
 * from a description of training. Throws ChainError.
 */
export async function readOrigins(root: Hex, options: OriginsOptions): Promise<Origins> {
  const { client, trainingRecord, fromBlock = 0n } = options;
  const places = new Map<string, { readonly run: Hex; readonly step: number }>();
  let hasMore = false;
  try {
    for (const range of blockRanges(fromBlock, await client.getBlockNumber())) {
      const logs = await client.getLogs({
        ...{ ...range, address: trainingRecord, event: RECORDED, args: { root }, strict: true },
      });
      for (const { args } of logs) places.set(`${args.run} ${args.step}`, { run: args.run, step: args.step });
      hasMore = places.size > MOST_ORIGINS;
      if (hasMore) break;
    }
  } catch (error) {
    throw toChainError(error);
  }
  const found: Origin[] = [];
  const listed = [...places.values()].slice(0, MOST_ORIGINS);
  for (let first = 0; first < listed.length; first += READ_AT_ONCE) {
    const some = listed.slice(first, first + READ_AT_ONCE);
    const kept = await Promise.all(
      some.map(async ({ run, step }) => {
        const checkpoint = await readCheckpoint(client, trainingRecord, run, step);
        return checkpoint === undefined ? undefined : { ...checkpoint, run, step };
      }),
    );
    // An earlier claim may have replaced an entry by another root.
    for (const each of kept) if (each?.root === root) found.push(each);
  }
  return { found, hasMore };
}

/** One link of a model's descent: the step that made a checkpoint. */
export interface Link extends Origin {
  /** Checkpoint root that the run began with. */
  readonly initial: Hex;
}

/** The most runs that a descent is followed through. */
const MAX_LINKS = 64;

export interface DescentOptions extends OriginsOptions {
  /**
   * Whether a run is training: whether the caller has computed its terms, of which this is the hash, from a
   * description of training.
   */
  readonly knows: (run: Hex) => boolean | Promise<boolean>;
}

/**
 * The known runs that led to a checkpoint, newest first, as far back as the record goes and 64 at most.
 * Throws ChainError.
 */
export async function readDescent(root: Hex, options: DescentOptions): Promise<readonly Link[]> {
  const { client, trainingRecord, knows } = options;
  const contract = { address: trainingRecord, abi: trainingRecordAbi } as const;
  const links: Link[] = [];
  let next = root;
  while (links.length < MAX_LINKS) {
    let made: Origin | undefined;
    for (const origin of (await readOrigins(next, options)).found) {
      if (made === undefined && (await knows(origin.run))) made = origin;
    }
    if (made === undefined) break;
    try {
      const asked = { ...contract, functionName: 'runOf', args: [made.run] } as const;
      const { initial } = await client.readContract(asked);
      links.push({ ...made, initial });
      next = initial;
    } catch (error) {
      throw toChainError(error);
    }
  }
  return links;
}
