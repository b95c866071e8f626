import { createStore } from 'zustand/vanilla';
import { jobsView } from '../../jobs/testing/simulated-jobs.ts';
import { claimView, HASH } from '../../jobs/testing/tasks.ts';
import { type ChecksPort, type ChecksView, EMPTY_CHECKS } from '../checks-port.ts';
import { DESCRIBED_RUN, game } from './a-dispute.ts';

export const CHECK_SCENES = ['checks-reading', 'checks-empty', 'checks-claims', 'checks-trouble'] as const;
export type CheckScene = (typeof CHECK_SCENES)[number];

/** A claim in each standing, with each result of a check. */
function claims(): ChecksView {
  const { chain, device } = jobsView('jobs-tasks');
  if (chain === null) return EMPTY_CHECKS;
  return {
    ...EMPTY_CHECKS,
    chain: {
      ...chain,
      claims: [
        claimView({ claim: 3, lost: true, games: [game(1, 'judged')] }),
        claimView({ claim: 2, liveGames: 1, games: [game(0, 'searching')] }),
        claimView({ claim: 1, settled: true }),
        claimView({ claim: 0 }),
      ],
    },
    device,
    checks: new Map([
      [3, { kind: 'differs', computed: `0x${'55'.repeat(32)}` }],
      [2, { kind: 'running', done: 2, steps: 4 }],
      [1, { kind: 'same' }],
    ]),
    knownRuns: new Map([[HASH, DESCRIBED_RUN]]),
    auditing: true,
    log: [
      { kind: 'over', claim: 3, game: 1, won: true },
      { kind: 'challenged', claim: 3, game: 1 },
    ],
  };
}

/** What the screen of checks shows in one scene. */
function checksView(scene: CheckScene): ChecksView {
  switch (scene) {
    case 'checks-reading':
      return EMPTY_CHECKS;
    case 'checks-empty':
      return { ...EMPTY_CHECKS, chain: jobsView('jobs-empty').chain };
    case 'checks-claims':
      return claims();
    case 'checks-trouble':
      return { ...EMPTY_CHECKS, trouble: 'The chain’s node gave no answer. Trying again.' };
  }
}

/** Claims and disputes in the middle of one scene, without a network. */
export function simulatedChecks(scene: CheckScene): ChecksPort {
  const store = createStore<ChecksView>(() => checksView(scene));
  return {
    store,
    check: () => Promise.reject(new Error('This is a drawing of the page, not a network.')),
    audit: async (auditing) => store.setState({ auditing }),
  };
}
