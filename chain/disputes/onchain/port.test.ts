import type { Hex } from 'viem';
import { afterAll, beforeAll, describe } from 'vitest';
import { NO_ANVIL } from '../../devnet/anvil.ts';
import { type DisputesChain, startDisputesChain } from '../testing/disputes-chain.ts';
import { type DisputesPortFixture, describeDisputesPortContract } from '../testing/port-contract.ts';
import { describeDisputeRules } from '../testing/rules-contract.ts';

describe.skipIf(NO_ANVIL !== undefined)(`on anvil${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`, () => {
  let chain: DisputesChain;
  beforeAll(async () => {
    chain = await startDisputesChain();
  });
  afterAll(() => chain?.stop());

  /** New accounts on the one chain. */
  function fixture(): DisputesPortFixture {
    const keys = new Map<string, Hex>();
    return {
      async player() {
        const key = await chain.key();
        const port = chain.playerOf(key);
        keys.set(port.me, key);
        return port;
      },
      async again({ me }) {
        const key = keys.get(me);
        if (key === undefined) throw new Error('This account is of another fixture.');
        return chain.playerOf(key);
      },
      pass: (seconds) => chain.pass(seconds),
      stop: async () => undefined,
    };
  }

  describeDisputesPortContract('OnchainDisputes', fixture);
  describeDisputeRules('The contract', fixture);
});
