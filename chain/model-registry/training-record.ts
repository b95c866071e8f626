import { type Address, type Hex, type PublicClient, zeroAddress } from 'viem';
import type { Terms } from '../../protocol/evidence.ts';
import { toChainError } from '../errors.ts';
import { trainingRecordAbi } from '../generated/abi.ts';
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
  /** The account that computed it, lower case. */
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

/** How an account's claims ended, as far as they were counted. Throws ChainError. */
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

/** One link of a model's descent: the step that made a checkpoint. */
export interface Link extends RecordedCheckpoint {
  readonly run: Hex;
  readonly step: number;
  /** Checkpoint root that the run began with. */
  readonly initial: Hex;
}

/** The most runs that a descent is followed through. */
const MAX_LINKS = 64;

/**
 * The runs that led to a checkpoint, newest first, as far back as the record goes and 64 at most. Throws
 * ChainError.
 */
export async function readDescent(
  client: PublicClient,
  trainingRecord: Address,
  root: Hex,
): Promise<readonly Link[]> {
  const contract = { address: trainingRecord, abi: trainingRecordAbi } as const;
  const links: Link[] = [];
  let next = root;
  try {
    while (links.length < MAX_LINKS) {
      const { run, step } = await client.readContract({
        ...contract,
        functionName: 'madeBy',
        args: [next],
      });
      const made = BigInt(run) === 0n ? undefined : await readCheckpoint(client, trainingRecord, run, step);
      if (made === undefined) break;
      const { initial } = await client.readContract({ ...contract, functionName: 'runOf', args: [run] });
      links.push({ ...made, run, step, initial });
      next = initial;
    }
  } catch (error) {
    throw toChainError(error);
  }
  return links;
}
