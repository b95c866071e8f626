import type { DisputeEvent } from '../../chain/disputes/agents/dispute-event.ts';
import type { ClaimState, GameView, Settings } from '../../chain/disputes/port.ts';
import type { DescribedRun } from '../../chain/disputes/transcript/transcript.ts';
import type { Hex } from '../../protocol/hex.ts';
import type { JobPhase } from './do-job.ts';
import type { Funding, PostedWork } from './market.ts';

/** What came of computing a claim's run here. */
export type Check =
  | { readonly kind: 'running'; readonly done: number; readonly steps: number }
  | { readonly kind: 'same' }
  /** Other bits came out here. */
  | { readonly kind: 'differs'; readonly computed: Hex }
  | { readonly kind: 'failed'; readonly cause: string };

export interface ClaimView extends ClaimState {
  readonly games: readonly GameView[];
}

/** The job that this device works at. */
export interface Working {
  readonly job: bigint;
  readonly phase: JobPhase;
  /** Steps trained, while training. */
  readonly done: number;
  readonly steps: number;
}

/** Everything that the screens of jobs and checks show. */
export interface DeskView {
  /** Null until the chain answered for the first time. */
  readonly chain: {
    /** Time of the newest block, Unix seconds. */
    readonly now: number;
    readonly disputes: Settings;
    readonly fundings: readonly Funding[];
    readonly jobs: readonly PostedWork[];
    readonly claims: readonly ClaimView[];
  } | null;
  /** Why the chain does not answer now. */
  readonly trouble: string | null;
  readonly device: {
    readonly address: Hex;
    readonly balance: bigint;
    /** Credit in Payments. */
    readonly credit: bigint;
  } | null;
  readonly working: Working | null;
  /** Why the last job of this device ended early. */
  readonly failure: { readonly job: bigint; readonly cause: string } | null;
  /** By number of the claim. */
  readonly checks: ReadonlyMap<number, Check>;
  /** What disputed runs are made of, by the hash of their terms. */
  readonly known: ReadonlyMap<Hex, DescribedRun>;
  /** Whether every claim is checked, and challenged when it is wrong, without asking. */
  readonly auditing: boolean;
  /** What auditor and defender said, newest first. */
  readonly said: readonly DisputeEvent[];
}

export const EMPTY_DESK: DeskView = {
  chain: null,
  trouble: null,
  device: null,
  working: null,
  failure: null,
  checks: new Map(),
  known: new Map(),
  auditing: false,
  said: [],
};
