import { claimOnce } from '../../chain/disputes/agents/claim-once.ts';
import type { DisputesPort } from '../../chain/disputes/port.ts';
import { claimTree } from '../../chain/disputes/trees.ts';
import { acceptJob } from '../../chain/jobs/anyone.ts';
import { type CanDoOptions, canDo, type DescribedRun } from '../../chain/jobs/can-do.ts';
import { type Job, readJob } from '../../chain/jobs/job.ts';
import { claimJob, deliverJob } from '../../chain/jobs/worker.ts';
import type { TransactionQueue } from '../../chain/transaction-queue.ts';
import type { Evidence } from '../../protocol/evidence.ts';
import type { Hex } from '../../protocol/hex.ts';
import type { RollupContracts } from '../../protocol/rollup.ts';
import type { VerifiedRun } from '../../protocol/verified-run.ts';

export type JobPhase = 'looking' | 'claiming' | 'training' | 'delivering' | 'waiting' | 'accepting' | 'done';

interface HeldJobOptions {
  /** Sends the transactions of the device's account. */
  readonly queue: TransactionQueue;
  readonly contracts: Pick<RollupContracts, 'jobs'>;
  readonly disputes: DisputesPort;
  /** Commits to a claim before it is made, so that whoever copies it comes second. */
  readonly commit: (run: Hex, root: Hex) => Promise<void>;
  /** The run whose terms have this hash. */
  readonly run: (terms: Hex, signal: AbortSignal) => Promise<VerifiedRun<Evidence>>;
  readonly onPhase: (phase: JobPhase) => void;
  readonly signal: AbortSignal;
}

export interface DoJobOptions<Run extends DescribedRun>
  extends HeldJobOptions,
    Pick<CanDoOptions<Run>, 'find' | 'measure' | 'acceptedBond'> {
  readonly job: bigint;
  /**
   * Whether the person asked for this job. If not, the device goes on with a job that it holds, and lays
   * down no bond for one.
   */
  readonly mayClaim: boolean;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** This device cannot do the job any more. The message says why. */
export class JobLostError extends Error {
  override readonly name = 'JobLostError';
}

const POLL_MS = 2_000;
/** How often a node is asked again that does not know the claim yet which it has in a block. */
const MOST_LAGGING_LOOKS = 5;

/**
 * Takes a job to its end for this device: looks whether it can be done here, claims it once, does its run,
 * claims the result on Disputes, delivers it, waits until the claim can be challenged no more, and has the
 * job accepted. Each step reads from the chain what is done already, so a call after a restart goes on there
 * and does nothing twice. A Defender has to play for the device meanwhile. Throws CannotDoJobError before any
 * bond is laid down, JobLostError, ChainError, and what doing the run throws.
 */
export async function doJob<Run extends DescribedRun>(options: DoJobOptions<Run>): Promise<Job> {
  const { queue, contracts, disputes, job: id, onPhase, sleep, signal } = options;
  const call = { queue, jobs: contracts.jobs, job: id };
  let bond: 'allowed' | 'sent' | 'none' = options.mayClaim ? 'allowed' : 'none';
  let laggingLooks = 0;
  for (;;) {
    signal.throwIfAborted();
    const job = await readJob(queue.client, contracts.jobs, id);
    const mine = job.worker === disputes.me.toLowerCase();
    if (job.state === 'accepted' && mine) {
      onPhase('done');
      return job;
    }
    // One bond for each time that the person asks, whatever becomes of it.
    if (mine) bond = 'none';
    if (job.state === 'open' && bond === 'allowed') {
      onPhase('looking');
      const { find, measure, acceptedBond } = options;
      const looked = await canDo({ ...call, disputes, find, measure, acceptedBond, signal });
      onPhase('claiming');
      await claimJob({ ...call, job: looked });
      bond = 'sent';
    } else if (job.state === 'open' && bond === 'sent' && laggingLooks < MOST_LAGGING_LOOKS) {
      laggingLooks += 1;
      await sleep(POLL_MS, signal);
    } else if (job.state === 'open') {
      throw new JobLostError(
        'The job is open again, and this device lays down no second bond by itself. Start it again if you want to.',
      );
    } else if (!mine) {
      throw new JobLostError('Another worker has this job, or it is over.');
    } else if (job.failed) {
      throw new JobLostError(
        job.state === 'delivered'
          ? 'The claim behind this job was beaten in a dispute; the bond is lost.'
          : 'The time for delivering this job is over; the bond is lost.',
      );
    } else if (job.state === 'claimed') {
      await deliver(options, job);
    } else if (job.state === 'delivered' && job.delivery !== undefined) {
      const claim = await disputes.claim(Number(job.delivery.claim));
      // A claim can be challenged until the last second of its window, and is open while a game is.
      if (claim.liveGames === 0 && (await disputes.now()) > claim.windowEnd) {
        onPhase('accepting');
        await acceptJob(call);
      } else {
        onPhase('waiting');
        await sleep(POLL_MS, signal);
      }
    } else {
      throw new JobLostError('This job is over.');
    }
  }
}

async function deliver(options: HeldJobOptions, job: Job): Promise<void> {
  const { queue, contracts, disputes, commit, onPhase, signal } = options;
  onPhase('training');
  const evidence = await options.run(job.order.terms, signal);
  const roots = await evidence.stepRoots({ signal });
  onPhase('delivering');
  const made = await claimOnce(disputes, evidence, { signal, commit });
  if (made.kind === 'refused') throw new JobLostError(`Disputes refused the claim (${made.reason}).`);
  // The claim was sent and is not in a block yet. The next look finds it.
  if (made.kind === 'unknown' || made.id === undefined) return;
  const last = roots.length - 1;
  const root = roots[last];
  if (root === undefined) throw new JobLostError('The run has no steps.');
  const claim = BigInt(made.id);
  await deliverJob({
    queue,
    jobs: contracts.jobs,
    job: job.id,
    claim,
    terms: evidence.terms,
    root,
    proof: claimTree(roots).proof(last),
  });
}
