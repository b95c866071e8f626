/** What the screens may ask about paid training. `JobsController` is the real one. */
import type { StoreApi } from 'zustand/vanilla';
import type { TransactionQueue } from '../../chain/transaction-queue.ts';
import type { Hex } from '../../protocol/hex.ts';
import { type ChainView, EMPTY_CHAIN_VIEW, type WatchFocus } from './chain-watch.ts';
import type { JobPhase } from './do-job.ts';

/** The job that this device works at. */
export interface Working {
  readonly job: bigint;
  readonly phase: JobPhase;
  /** Steps trained so far, and all steps; both 0 before the training. */
  readonly done: number;
  readonly steps: number;
}

export interface JobsView extends ChainView {
  readonly working: Working | null;
  /** Why the last job of this device ended early. */
  readonly failure: { readonly job: bigint; readonly cause: string } | null;
}

export const EMPTY_JOBS: JobsView = { ...EMPTY_CHAIN_VIEW, working: null, failure: null };

/** A task that many may pay for. */
export interface Proposal {
  readonly steps: number;
  /** The goal, in wei. */
  readonly price: bigint;
  /** What a worker lays down, in wei. */
  readonly bond: bigint;
  /** How long pledges are taken, in seconds from now. */
  readonly raiseSeconds: number;
  readonly claimSeconds: number;
  readonly workSeconds: number;
  /** The worker's part of TOTAL_SHARES. */
  readonly workerShares: number;
}

export interface JobsPort {
  readonly store: StoreApi<JobsView>;
  /** Looks at the chain now rather than at the next turn. */
  refresh(): void;
  /** Shows the tasks of a wallet beside the newest ones, and one task by its number. */
  follow(focus: WatchFocus): void;
  /** Shows more of the older tasks. */
  showOlder(): void;
  /**
   * Publishes what the task is and starts collecting for it, both paid from `queue`. Returns the campaign's
   * number. Throws ChainError, ComputeError.
   */
  propose(proposal: Proposal, queue: TransactionQueue): Promise<bigint>;
  /**
   * Takes a job to its end with this device, which looks first whether it can be done and lays down no bond
   * if not. `acceptedBond` is a bond above the price that the person has accepted, in wei. Resolves when the
   * job is over; the view says how it went.
   */
  work(job: bigint, acceptedBond?: bigint): Promise<void>;
  /** Withdraws everything that an account is owed. Throws ChainError. */
  withdraw(queue: TransactionQueue): Promise<void>;
  /** The file of the model that a job ended with, computed here and equal to what was delivered. */
  model(terms: Hex): Promise<Uint8Array>;
}
