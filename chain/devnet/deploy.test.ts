import { describe, expect, it } from 'vitest';
import { LOCAL_DISPUTES } from '../deployment/dispute-settings.ts';
import { planDeployment } from '../deployment/plan.ts';
import { connect } from '../network.ts';
import { anvilWallet, NO_ANVIL, startAnvil } from './anvil.ts';
import { deployContracts } from './deploy.ts';

describe.skipIf(NO_ANVIL !== undefined)(`deployContracts${NO_ANVIL ?? ''}`, () => {
  it('deploys more than one block holds, however fast it sends, and nothing twice', async () => {
    // Long enough that everything is sent within one block's time.
    const anvil = await startAnvil({ blockTime: 3 });
    try {
      const client = connect(anvil, { pollingInterval: 50 });
      const wallet = anvilWallet(anvil, 0);
      const first = await deployContracts({ client, wallet });
      const { contracts } = planDeployment({ disputes: LOCAL_DISPUTES });
      const { gasLimit } = await client.getBlock();
      expect(contracts.reduce((sum, { gas }) => sum + gas, 0)).toBeGreaterThan(Number(gasLimit));
      for (const { address } of contracts) expect(await client.getCode({ address })).toBeDefined();
      const again = await deployContracts({ client, wallet });
      expect({ ...again, block: first.block }).toEqual(first);
      expect(again.block).toBe(0n);
    } finally {
      await anvil.stop();
    }
  });
});
