/** What the screen may ask about claims and disputes. `ChecksController` is the real one. */
import type { StoreApi } from 'zustand/vanilla';
import type { DisputeEvent } from '../../chain/disputes/agents/dispute-event.ts';
import type { DescribedRun } from '../../chain/disputes/transcript/transcript.ts';
import type { Hex } from '../../protocol/hex.ts';
import { type ChainView, EMPTY_CHAIN_VIEW } from '../jobs/chain-watch.ts';

/** The result of computing a claim's run here. */
export type Check =
  | { readonly kind: 'running'; readonly done: number; readonly steps: number }
  | { readonly kind: 'same' }
  /** The run gave other bits here. */
  | { readonly kind: 'differs'; readonly computed: Hex }
  | { readonly kind: 'failed'; readonly cause: string };

export interface ChecksView extends ChainView {
  /** By number of the claim. */
  readonly checks: ReadonlyMap<number, Check>;
  /** What disputed runs are made of, by the hash of their terms. */
  readonly knownRuns: ReadonlyMap<Hex, DescribedRun>;
  /** Whether every claim is checked, and challenged when it is wrong, without asking. */
  readonly auditing: boolean;
  /** What auditor and defender reported, newest first. */
  readonly log: readonly DisputeEvent[];
}

export const EMPTY_CHECKS: ChecksView = {
  ...EMPTY_CHAIN_VIEW,
  checks: new Map(),
  knownRuns: new Map(),
  auditing: false,
  log: [],
};

export interface ChecksPort {
  readonly store: StoreApi<ChecksView>;
  /** Does a claim's run here and compares. Resolves when the view says what came out. */
  check(claim: number): Promise<void>;
  /**
   * Starts or stops checking every claim, challenging those that are wrong, and playing each game to its end.
   */
  audit(on: boolean): Promise<void>;
}
