import type { Hex } from 'viem';
import type { Slot, Terms } from '../../protocol/evidence.ts';
import { verifyRun } from '../../protocol/verified-run.ts';
import { digestOfDescription } from '../descriptions.ts';
import { unjudgeable } from '../disputes/judgeable.ts';
import type { DisputesReader } from '../disputes/port.ts';
import { ChainError, toChainError } from '../errors.ts';
import { coinAmount, formatAmount, knownToken } from '../token-amount.ts';
import { type JobOptions, listJobs, readJob } from './job.ts';
import type { Order } from './order.ts';

/** Why an account should not claim a job. */
export type CannotDoReason =
  /** Another worker holds it, or it is over. */
  | 'not-open'
  /** Its price and bond are in a token whose worth nobody here knows. */
  | 'unknown-token'
  /** The bond is more than the price, and the person has not accepted that bond. */
  | 'bond-over-price'
  /** The account has less than both bonds and the gas. */
  | 'no-funds'
  /** The description that the order names is not published, or is of a run with other terms. */
  | 'unknown-run'
  /** A claim about the run could not be defended. */
  | 'unjudgeable'
  /** The training cannot begin here: the start checkpoint or the device is missing something. */
  | 'cannot-begin'
  /** The training takes longer here than the order gives. */
  | 'too-slow';

/** The job was not claimed, and no bond was laid down. The message says why in a sentence for the person. */
export class CannotDoJobError extends Error {
  override readonly name = 'CannotDoJobError';
  readonly reason: CannotDoReason;

  constructor(reason: CannotDoReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

declare const looked: unique symbol;

/** A job that was looked at and can be done. Only `canDo` makes one, and each serves one claim. */
export interface DoableJob extends Pick<Order, 'terms' | 'token' | 'bond'> {
  readonly id: bigint;
  readonly [looked]: true;
}

/** A run as its published description gives it. */
export interface DescribedRun {
  readonly terms: Terms;
  readonly program: readonly Slot[];
  /** The description. */
  readonly spec: Uint8Array;
}

export interface CanDoOptions<Run extends DescribedRun> extends JobOptions {
  readonly disputes: Pick<DisputesReader, 'bonds'>;
  /** The run that the description with the order's digest describes; undefined while there is none. */
  readonly find: (
    order: Pick<Order, 'terms' | 'descriptionHash'>,
    signal: AbortSignal | undefined,
  ) => Promise<Run | undefined>;
  /**
   * Begins the run on this device and resolves with the seconds that a step takes. Rejects where it cannot
   * begin, such as without the start checkpoint.
   */
  readonly measure: (run: Run, signal: AbortSignal | undefined) => Promise<number>;
  /** A bond above the price that the person has accepted. Defaults to none. */
  readonly acceptedBond?: bigint;
  readonly signal?: AbortSignal;
}

/** The training may take this many times what was measured: other work can slow the device down. */
const MARGIN = 2;
/** Seconds for the claim on Disputes and the delivery, which each wait for a block. */
const DELIVERY_SECONDS = 60;
/** Gas for claiming the job, claiming on Disputes, delivering, and having the job accepted, with room. */
const GAS = 1_500_000n;

const UNUSED = new WeakSet<DoableJob>();

/**
 * Looks at a job before the account lays down its bond: token and bond, coin, description and terms,
 * judgement, and the device's speed, the cheap ones first. Sends nothing. Throws CannotDoJobError,
 * ChainError, and the signal's reason.
 */
export async function canDo<Run extends DescribedRun>(options: CanDoOptions<Run>): Promise<DoableJob> {
  const { queue, jobs, job: id, disputes, find, measure, acceptedBond, signal } = options;
  const { client } = queue;
  const { state, order } = await readJob(client, jobs, id);
  if (state !== 'open') {
    throw new CannotDoJobError('not-open', 'Another worker has this job, or it is over. Choose another one.');
  }
  const { terms, token, price, bond, workSeconds } = order;
  if (knownToken(token) === undefined) {
    throw new CannotDoJobError('unknown-token', `Its token is not known here: ${token}. Choose another job.`);
  }
  if (bond > price && acceptedBond !== bond) {
    throw new CannotDoJobError(
      'bond-over-price',
      `The bond of ${shown(bond)} is more than the price of ${shown(price)}. Accept that bond first, or choose another job.`,
    );
  }
  const gasCost = await gasCostOf(options);
  await requireBalance(options, bond + gasCost);

  const descriptionHash = await descriptionHashOf(options, terms);
  const run = await find({ terms, descriptionHash }, signal);
  const isNamed = run !== undefined && digestOfDescription(run.spec) === descriptionHash;
  const verified = isNamed ? verifyRun(run, terms) : undefined;
  if (run === undefined || verified === undefined) {
    throw new CannotDoJobError(
      'unknown-run',
      'Nobody has published what this job trains as its order names it. Ask whoever posted it to publish that description.',
    );
  }
  if (verified.terms.steps !== order.steps) {
    throw new CannotDoJobError(
      'unjudgeable',
      `Its order says ${order.steps} steps, and its training has ${verified.terms.steps}: nobody can deliver it. Choose another job.`,
    );
  }
  const flaw = unjudgeable(run.program);
  if (flaw !== undefined) {
    throw new CannotDoJobError(
      'unjudgeable',
      `A claim about this training could not be defended. ${flaw} Choose another job.`,
    );
  }
  const { claim: claimBond } = await disputes.bonds(verified.terms, { signal });
  await requireBalance(options, bond + claimBond + gasCost);

  const secondsAStep = await measure(run, signal).catch((error: unknown) => {
    signal?.throwIfAborted();
    const cause = error instanceof Error ? error.message : String(error);
    throw new CannotDoJobError('cannot-begin', `This device cannot begin the training: ${cause}`, {
      cause: error,
    });
  });
  const needed = Math.ceil(secondsAStep * run.terms.steps * MARGIN + DELIVERY_SECONDS);
  if (!(needed <= workSeconds)) {
    throw new CannotDoJobError(
      'too-slow',
      `The order gives ${workSeconds} s, and this device needs up to ${needed} s. Use a faster device, or choose another job.`,
    );
  }
  const doable = { id, terms, token, bond } as DoableJob;
  UNUSED.add(doable);
  return doable;
}

/** Notes that a look serves its claim now. Throws ChainError `invalid` for one that has served already. */
export function spendLook(job: DoableJob): void {
  if (UNUSED.delete(job)) return;
  throw new ChainError('invalid', 'This look at the job has served a claim already. Look at the job again.');
}

/** The digest that the job was posted with. */
async function descriptionHashOf({ queue, jobs, job }: JobOptions, terms: Hex): Promise<Hex> {
  const { client } = queue;
  const toBlock = await client.getBlockNumber().catch((error: unknown) => {
    throw toChainError(error);
  });
  const [posted] = await listJobs({ client, jobs, fromBlock: 0n, toBlock, terms, job });
  const order = posted?.order;
  if (order === undefined) {
    throw new ChainError('unreachable', 'The chain’s node has lost the log of this job. Try again later.');
  }
  return order.descriptionHash;
}

async function gasCostOf({ queue }: JobOptions): Promise<bigint> {
  try {
    const { maxFeePerGas } = await queue.client.estimateFeesPerGas();
    return GAS * maxFeePerGas;
  } catch (error) {
    throw toChainError(error);
  }
}

async function requireBalance({ queue }: JobOptions, needed: bigint): Promise<void> {
  let balance: bigint;
  try {
    balance = await queue.client.getBalance({ address: queue.address });
  } catch (error) {
    throw toChainError(error);
  }
  if (balance >= needed) return;
  throw new CannotDoJobError(
    'no-funds',
    `This device holds ${shown(balance)}, and bonds and gas take up to ${shown(needed)}. Give it some more.`,
  );
}

function shown(wei: bigint): string {
  return formatAmount(coinAmount(wei));
}
