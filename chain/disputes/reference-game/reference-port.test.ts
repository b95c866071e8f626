import type { Address } from 'viem';
import { type DisputesPortFixture, describeDisputesPortContract } from '../testing/port-contract.ts';
import { describeDisputeRules } from '../testing/rules-contract.ts';
import { SAMPLE_JUDGE } from '../testing/sample-judge.ts';
import { ReferenceDisputes } from './reference-disputes.ts';
import { ReferencePort } from './reference-port.ts';

function fixture(): DisputesPortFixture {
  const settings = { window: 1800, stepSeconds: 600, budget: 5400, extension: 600, moveBond: 1000n };
  const disputes = new ReferenceDisputes({ settings, judge: SAMPLE_JUDGE });
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
}

describeDisputesPortContract('ReferencePort', fixture);
describeDisputeRules('The reference game', fixture);
