import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_ANVIL } from '../../chain/devnet/anvil.ts';
import { defaultSpec } from './default-swarm.ts';
import { startLocalChain } from './local-chain.ts';
import { stageSeconds } from './stages.ts';

describe.skipIf(NO_ANVIL !== undefined)(
  `the local chain${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`,
  () => {
    let folder: string;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'starling-local-chain-'));
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    /** Starts and stops a chain in the folder, and tells which contracts it has. */
    async function visit(roundSeconds = 20) {
      const { anvil, contracts, swarm, resumed } = await startLocalChain({
        folder,
        spec: defaultSpec(stageSeconds(roundSeconds)),
        signal: new AbortController().signal,
      });
      await anvil.stop();
      return { identity: contracts.identity, swarm, resumed };
    }

    it('keeps its contracts over a restart, and has others where another account deploys', async () => {
      const first = await visit();
      expect(first.resumed).toBe(false);
      expect(await visit()).toEqual({ ...first, resumed: true });
      // Rounds of another length are another swarm of the same contracts, and the first one is still there.
      expect(await visit(30)).toEqual({ identity: first.identity, swarm: 1, resumed: false });
      expect(await visit()).toEqual({ ...first, resumed: true });

      await rm(join(folder, 'deployer.key'));
      const renewed = await visit();
      expect(renewed.resumed).toBe(false);
      expect(renewed.identity).not.toBe(first.identity);
      expect(await visit()).toEqual({ ...renewed, resumed: true });
    });
  },
);
