import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ANVIL_KEYS, NO_ANVIL } from '../../chain/devnet/anvil.ts';
import { type LocalChain, startLocalChain } from '../../chain/testing/local-chain.ts';
import { smallSpec } from '../../protocol/testing/sample-swarm-specs.ts';
import { runSwarmCommand } from './command.ts';

describe.skipIf(NO_ANVIL !== undefined)(
  `npm run swarm${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`,
  () => {
    let local: LocalChain;
    let home: string;
    beforeAll(async () => {
      local = await startLocalChain();
      home = await mkdtemp(join(tmpdir(), 'starling-swarm-command-'));
      const network = { ...local.network, page: 'http://127.0.0.1:5173/', relays: [] };
      await writeFile(join(home, 'devnet.json'), JSON.stringify(network));
      await writeFile(join(home, 'swarm-account.key'), `${ANVIL_KEYS[2]}\n`, { mode: 0o600 });
      const { startedBy: _, startedAt: __, ...spec } = smallSpec;
      await writeFile(join(home, 'spec.json'), JSON.stringify({ ...spec, name: 'Mine' }));
      await writeFile(join(home, 'wrong.json'), JSON.stringify({ ...spec, models: 'some' }));
    });
    afterAll(async () => {
      await local?.stop();
      await rm(home, { recursive: true, force: true });
    });

    async function swarm(...argv: readonly string[]): Promise<string> {
      const lines: string[] = [];
      const { signal } = new AbortController();
      await runSwarmCommand({ argv, state: home, print: (line) => lines.push(line), signal });
      return lines.join('\n');
    }

    it('[S-07] tells the price, opens a swarm, lists it and shows it', async () => {
      const file = join(home, 'spec.json');
      const price = JSON.parse(await swarm('create', file, '--dry-run', '--json'));
      expect(price).toMatchObject({ gas: expect.any(Number), bytes: expect.any(Number) });
      const opened = JSON.parse(await swarm('create', file, '--json'));
      expect(opened).toMatchObject({
        swarm: 1,
        link: `http://127.0.0.1:5173/#/swarm/${local.network.chainId}/1`,
      });
      expect(opened.gas).toBeLessThanOrEqual(price.gas * 1.02);
      const rows = JSON.parse(await swarm('list', '--json'));
      expect(rows.map((row: { swarm: number; name: string }) => [row.swarm, row.name])).toEqual([
        [1, 'Mine'],
        [0, smallSpec.name],
      ]);
      const shown = JSON.parse(await swarm('show', opened.link, '--json'));
      expect(shown).toMatchObject({ swarm: 1, cid: opened.cid, spec: { name: 'Mine' }, members: 0 });
      expect(await swarm('list')).toContain('1  Mine: ');
      expect(await swarm('leave', '1')).toContain('nothing of swarm 1');
    });

    it('names what is wrong, and opens nothing then', async () => {
      await expect(swarm('create', join(home, 'wrong.json'))).rejects.toThrow(/wrong at models/);
      await expect(swarm('create', join(home, 'absent.json'))).rejects.toThrow(/cannot be read/);
      await expect(swarm('show', '#/swarm/10/1')).rejects.toThrow(/chain 10/);
      await expect(swarm('show', '99')).rejects.toThrow(/no swarm of this number/);
      await expect(swarm('show')).rejects.toThrow(/Name a swarm/);
      await expect(swarm('close', '1')).rejects.toThrow(/create, list, show, leave or drill/);
    });
  },
);
