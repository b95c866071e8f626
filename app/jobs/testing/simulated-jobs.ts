import { createStore } from 'zustand/vanilla';
import type { ChainLook } from '../chain-watch.ts';
import { EMPTY_JOBS, type JobsPort, type JobsView } from '../jobs-port.ts';
import { claimView, funding, NOW, postedJob, SOMEBODY, UNKNOWN_TOKEN } from './tasks.ts';

export const JOB_SCENES = [
  'jobs-reading',
  'jobs-empty',
  'jobs-tasks',
  'jobs-working',
  'jobs-trouble',
  'jobs-unknown-token',
] as const;
export type JobScene = (typeof JOB_SCENES)[number];

const ETH = 10n ** 18n;
const price = ETH / 10n;

const EMPTY_LOOK: ChainLook = {
  now: NOW,
  disputes: { window: 600, stepSeconds: 1, budget: 600, extension: 60, moveBond: ETH / 100n },
  fundings: [],
  jobs: [],
  hasOlder: false,
  claims: [],
};

const order = { ...funding('raising').order, price, bond: price / 10n };
const priced = (id: bigint, state: Parameters<typeof funding>[0], raised: bigint) =>
  funding(state, { id, order, raised, job: id, pledges: [] });

/** One task in each of its stages. */
const TASKS: ChainLook = {
  ...EMPTY_LOOK,
  fundings: [
    priced(4n, 'ended', price),
    priced(3n, 'handed-over', price),
    priced(2n, 'handed-over', price),
    priced(1n, 'failed', price / 4n),
    priced(0n, 'raising', price / 2n),
  ],
  jobs: [
    postedJob({ id: 4n, state: 'accepted', worker: SOMEBODY }),
    postedJob({
      id: 3n,
      state: 'delivered',
      worker: SOMEBODY,
      delivery: { claim: 0n, root: order.terms },
    }),
    postedJob({ id: 2n }),
  ],
  claims: [claimView({ liveGames: 1 })],
};

/** One task that collects and one that waits for a worker, in a token that the page does not know. */
const IN_UNKNOWN_TOKEN: ChainLook = {
  ...EMPTY_LOOK,
  fundings: [
    funding('handed-over', { id: 1n, order: { ...order, token: UNKNOWN_TOKEN }, job: 1n }),
    funding('raising', { order: { ...order, token: UNKNOWN_TOKEN } }),
  ],
  jobs: [postedJob({ id: 1n, order: { ...order, token: UNKNOWN_TOKEN } })],
};

const device = { address: `0x${'52'.repeat(20)}`, balance: ETH / 2n, credit: 0n } as const;

/** What the screen of jobs shows in one scene. */
export function jobsView(scene: JobScene): JobsView {
  switch (scene) {
    case 'jobs-reading':
      return EMPTY_JOBS;
    case 'jobs-empty':
      return { ...EMPTY_JOBS, chain: EMPTY_LOOK, device: { ...device, balance: 0n } };
    case 'jobs-tasks':
      return { ...EMPTY_JOBS, chain: TASKS, device };
    case 'jobs-working':
      return {
        ...EMPTY_JOBS,
        chain: TASKS,
        device,
        working: { job: 2n, phase: 'training', done: 7, steps: 20 },
        failure: { job: 3n, cause: 'Another worker has this job, or it is over.' },
      };
    case 'jobs-unknown-token':
      return { ...EMPTY_JOBS, chain: IN_UNKNOWN_TOKEN, device };
    case 'jobs-trouble':
      return { ...EMPTY_JOBS, trouble: 'The chain’s node gave no answer. Trying again.' };
  }
}

/** Paid training in the middle of one scene, without a network. What a person asks for is refused. */
export function simulatedJobs(scene: JobScene): JobsPort {
  const refuse = () => Promise.reject(new Error('This is a drawing of the page, not a network.'));
  return {
    store: createStore<JobsView>(() => jobsView(scene)),
    refresh: () => undefined,
    follow: () => undefined,
    showOlder: () => undefined,
    propose: refuse,
    work: refuse,
    withdraw: refuse,
    model: refuse,
  };
}
