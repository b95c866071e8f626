import {
  type Address,
  type ContractFunctionReturnType,
  encodeAbiParameters,
  getAbiItem,
  type Hex,
  keccak256,
  numberToHex,
  type PublicClient,
} from 'viem';
import { ChainError, toChainError } from '../errors.ts';
import { jobsAbi } from '../generated/abi.ts';
import { logsOfBlocks } from '../logs.ts';
import type { TransactionQueue } from '../transaction-queue.ts';
import { fromOrderStruct, type Order } from './order.ts';

/** In the order of `IJobs.State`. */
const STATES = ['none', 'open', 'claimed', 'delivered', 'accepted', 'expired', 'cancelled'] as const;

/** The state of a job. */
export type JobState = Exclude<(typeof STATES)[number], 'none'>;

/** A job as it is on the chain. Times are Unix seconds, addresses lower case. */
export interface Job {
  readonly id: bigint;
  readonly state: JobState;
  readonly requester: Address;
  readonly order: Omit<Order, 'descriptionHash' | 'claimSeconds'>;
  /** The last second at which it can be claimed. */
  readonly claimBy: number;
  /** The worker that has claimed it; undefined while it is open. */
  readonly worker: Address | undefined;
  /** The last second at which the worker can deliver. It has no meaning while the job is open. */
  readonly deliverBy: number;
  /** Number of the delivered claim on Disputes, and the last checkpoint root; undefined before delivery. */
  readonly delivery: { readonly claim: bigint; readonly root: Hex } | undefined;
  /** The bonds of workers that failed. The requester gets them when the job ends. */
  readonly forfeited: bigint;
  /** Whether the worker is late or has lost its claim, so that anybody can reopen the job. */
  readonly failed: boolean;
  /** Id of the model in Ownership. The model exists once the job is accepted. */
  readonly model: bigint;
}

export interface JobOptions {
  /** Of the account that acts and pays. */
  readonly queue: TransactionQueue;
  readonly jobs: Address;
  readonly job: bigint;
}

/** A job. Throws ChainError, with the code `invalid` if there is no job of that number. */
export async function readJob(client: PublicClient, jobs: Address, id: bigint): Promise<Job> {
  const contract = { address: jobs, abi: jobsAbi, args: [id] } as const;
  try {
    const raw = await client.readContract({ ...contract, functionName: 'jobOf' });
    const job = jobFrom(jobs, id, raw, false);
    if (job === undefined) {
      throw new ChainError('invalid', `There is no job number ${id}. Look for it in the list of jobs.`);
    }
    return { ...job, failed: await client.readContract({ ...contract, functionName: 'hasFailed' }) };
  } catch (error) {
    throw toChainError(error);
  }
}

/**
 * Several jobs in one request, in the order of the numbers, without those that do not exist. Throws
 * ChainError.
 */
export async function readJobs(
  client: PublicClient,
  jobs: Address,
  ids: readonly bigint[],
): Promise<readonly Job[]> {
  if (ids.length === 0) return [];
  try {
    const [raw, failed] = await client.readContract({
      ...{ address: jobs, abi: jobsAbi, functionName: 'jobsOf', args: [ids] },
    });
    return ids.flatMap((id, i) => {
      const each = raw[i];
      const job = each === undefined ? undefined : jobFrom(jobs, id, each, failed[i] === true);
      return job === undefined ? [] : [job];
    });
  } catch (error) {
    throw toChainError(error);
  }
}

/** The id in Ownership of the model of a job, as `idOf` of the contract computes it. */
function modelOfJob(jobs: Address, id: bigint): bigint {
  const key = numberToHex(id, { size: 32 });
  return BigInt(keccak256(encodeAbiParameters([{ type: 'address' }, { type: 'bytes32' }], [jobs, key])));
}

type RawJob = ContractFunctionReturnType<typeof jobsAbi, 'view', 'jobOf'>;

function jobFrom(jobs: Address, id: bigint, raw: RawJob, failed: boolean): Job | undefined {
  const state = STATES[raw.state];
  if (state === undefined || state === 'none') return undefined;
  const { terms, token, price, bond, workSeconds, workerShares, steps } = raw;
  const delivered = state === 'delivered' || state === 'accepted';
  return {
    id,
    state,
    requester: lower(raw.requester),
    order: { terms, token: lower(token), price, bond, workSeconds, workerShares, steps },
    claimBy: raw.claimBy,
    worker: BigInt(raw.worker) === 0n ? undefined : lower(raw.worker),
    deliverBy: raw.deliverBy,
    delivery: delivered ? { claim: raw.claim, root: raw.root } : undefined,
    forfeited: raw.forfeited,
    failed,
    model: modelOfJob(jobs, id),
  };
}

/** A job as it was posted. */
export interface PostedJob {
  readonly id: bigint;
  readonly requester: Address;
  readonly order: Order;
  readonly block: bigint;
}

export interface ListJobsOptions {
  readonly client: PublicClient;
  readonly jobs: Address;
  /** First and last block, both included. */
  readonly fromBlock: bigint;
  readonly toBlock: bigint;
  /** Only jobs with this hash of terms. */
  readonly terms?: Hex;
  /** Only the job with this number. */
  readonly job?: bigint;
}

const POSTED = getAbiItem({ abi: jobsAbi, name: 'Posted' });

/** Jobs posted between two blocks, in the chain's order. Throws ChainError. */
export async function listJobs(options: ListJobsOptions): Promise<readonly PostedJob[]> {
  const { client, jobs, fromBlock, toBlock, terms, job } = options;
  const args = { ...(terms === undefined ? {} : { terms }), ...(job === undefined ? {} : { job }) };
  try {
    const logs = await logsOfBlocks(fromBlock, toBlock, (range) =>
      client.getLogs({
        ...range,
        address: jobs,
        event: POSTED,
        args,
        strict: true,
      }),
    );
    return logs.map(({ args, blockNumber }) => ({
      id: args.job,
      requester: lower(args.requester),
      order: fromOrderStruct(args.order),
      block: blockNumber,
    }));
  } catch (error) {
    throw toChainError(error);
  }
}

export interface ListWorkOptions {
  readonly client: PublicClient;
  readonly jobs: Address;
  readonly fromBlock: bigint;
  readonly toBlock: bigint;
  /** Only jobs that one of these accounts claimed. */
  readonly workers: readonly Address[];
}

const CLAIMED = getAbiItem({ abi: jobsAbi, name: 'Claimed' });

/** Numbers of the jobs that some accounts claimed between two blocks. Throws ChainError. */
export async function listWork(options: ListWorkOptions): Promise<readonly bigint[]> {
  const { client, jobs, fromBlock, toBlock, workers } = options;
  const args = { worker: [...workers] };
  try {
    const logs = await logsOfBlocks(fromBlock, toBlock, (range) =>
      client.getLogs({ ...range, address: jobs, event: CLAIMED, args, strict: true }),
    );
    return logs.map((log) => log.args.job);
  } catch (error) {
    throw toChainError(error);
  }
}

function lower(address: Address): Address {
  return address.toLowerCase() as Address;
}
