import type { Address } from 'viem';
import { describeDisputesPortContract } from '../testing/port-contract.ts';
import type { ReferenceJudge } from './judge.ts';
import { ReferenceDisputes } from './reference-disputes.ts';
import { ReferencePort } from './reference-port.ts';

/** The contract's suite plays no game down to the arithmetic. */
const NO_JUDGE: ReferenceJudge = {
  folds: () => false,
  element: () => undefined,
  chunkOf: () => undefined,
  total: () => 0,
  chunkLimit: () => 0,
};

describeDisputesPortContract('ReferencePort', () => {
  const settings = { window: 3600, budget: 7200, extension: 600, moveBond: 1000n };
  const disputes = new ReferenceDisputes({ settings, judge: NO_JUDGE });
  let now = 1_800_000_000;
  let accounts = 0;
  const portOf = (me: Address) => new ReferencePort({ disputes, me, clock: () => now });
  return {
    player: async () => portOf(`0x${String(++accounts).padStart(40, '0')}`),
    again: async ({ me }) => portOf(me),
    async pass(seconds) {
      now += seconds;
    },
    stop: async () => undefined,
  };
});
