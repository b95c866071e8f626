/** Campaigns, jobs and claims as one look at the chain finds them, for tests and drawings. */

import type { Job } from '../../../chain/jobs/job.ts';
import { COIN } from '../../../chain/payments.ts';
import type { Funding } from '../market.ts';
import type { ClaimView } from '../shown-claims.ts';

export const SOMEBODY = `0x${'11'.repeat(20)}` as const;
export const HASH = `0x${'22'.repeat(32)}` as const;
/** Address of a token that the page does not know. */
export const UNKNOWN_TOKEN = `0x${'da'.repeat(20)}` as const;
/** Chain time of the look, Unix seconds. */
export const NOW = 1000;

const order = {
  terms: HASH,
  descriptionHash: HASH,
  token: COIN,
  price: 100n,
  bond: 10n,
  claimSeconds: 100,
  workSeconds: 50,
  workerShares: 300_000,
  steps: 20,
};

/** A campaign for 100 wei with one pledge of 50, open for another 60 seconds. */
export function funding(state: Funding['state'], change: Partial<Funding> = {}): Funding {
  const pledges = [{ id: 0n, campaign: 0n, pledger: SOMEBODY, amount: 50n, settled: false }];
  return {
    id: 0n,
    state,
    creator: SOMEBODY,
    order,
    deadline: 1060,
    raised: 50n,
    pledgeCount: 1,
    job: 0n,
    pledges,
    ...change,
  };
}

/** A job that can be claimed for another 100 seconds. */
export function postedJob(change: Partial<Job> = {}): Job {
  return {
    id: 0n,
    state: 'open',
    requester: SOMEBODY,
    order,
    claimBy: 1100,
    worker: undefined,
    deliverBy: 1050,
    delivery: undefined,
    forfeited: 0n,
    failed: false,
    model: 1n,
    ...change,
  };
}

/** A claim that is open to objection for another 200 seconds. */
export function claimView(change: Partial<ClaimView> = {}): ClaimView {
  return {
    claim: 0,
    claimant: SOMEBODY,
    terms: HASH,
    root: HASH,
    windowEnd: 1200,
    liveGames: 0,
    lost: false,
    settled: false,
    bond: 1n,
    games: [],
    ...change,
  };
}
