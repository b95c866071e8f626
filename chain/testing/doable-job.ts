import type { Address } from 'viem';
import type { Terms } from '../../protocol/evidence.ts';
import { OnchainDisputes } from '../disputes/onchain/port.ts';
import { canDo, type DoableJob } from '../jobs/can-do.ts';
import type { TransactionQueue } from '../transaction-queue.ts';

/** The description that orders of tests name. Nobody computes the run. */
export const DESCRIPTION = Uint8Array.of(1, 2, 3);

export interface LookOptions {
  readonly queue: TransactionQueue;
  readonly jobs: Address;
  readonly disputes: Address;
  readonly job: bigint;
  readonly terms: Terms;
}

/** A look at a job by a worker that knows its run and is fast enough for every order. */
export function lookAtJob({ queue, jobs, disputes, job, terms }: LookOptions): Promise<DoableJob> {
  return canDo({
    queue,
    jobs,
    job,
    disputes: new OnchainDisputes({ queue, address: disputes }),
    find: async () => ({ terms, program: [], spec: DESCRIPTION }),
    measure: async () => 0,
  });
}
