import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ANVIL_KEYS, NO_ANVIL } from '../../chain/devnet/anvil.ts';
import { type LocalChain, startLocalChain } from '../../chain/testing/local-chain.ts';
import { frozenRoot } from '../../models/decoder/lora/frozen-root.ts';
import { filesRoot } from '../../models/loading/file-root.ts';
import { folderSource } from '../../models/loading/folder-source.ts';
import { openDescription } from '../../models/loading/open-model.ts';
import { openWeights } from '../../models/loading/weight-files.ts';
import { must } from '../../protocol/must.ts';
import type { SourceFile } from '../../protocol/swarm-spec.ts';
import { smallSpec } from '../../protocol/testing/sample-swarm-specs.ts';
import { networkId } from '../../swarm/network-id.ts';
import { BUILTIN_MODELS } from '../../training/builtin-models.ts';
import { NANO_SELECTION } from '../../training/tasks/catalogue.ts';
import { DEFAULT_MODEL } from '../home/model-folder.ts';
import { runSwarmCommand } from './command.ts';
import { RoundCosts } from './round-costs.ts';

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
      expect(shown.here).toBeNull();
      expect(await swarm('list')).toContain('1  Mine: ');

      const home1 = join(home, 'volunteer');
      const run = networkId(local.network.chainId, local.network.contracts.participation, 1);
      const costs = new RoundCosts({ home: home1, run, predicted: { seconds: 6, memory: 210e6 } });
      await Promise.all([costs.add(4, 7, 250e6), costs.add(5, 9, 260e6)]);
      expect(JSON.parse(await swarm('show', '1', '--json')).here).toMatchObject({
        rounds: 2,
        seconds: { predicted: 6, median: 8 },
        memory: { predicted: 210e6, most: 260e6 },
      });
      expect(await swarm('show', '1')).toContain(
        'Predicted: about 6.0 s and about 210 MB of memory a round. The last 2 rounds here took 8.0 s (7.0 s to 9.0 s)',
      );
      expect(await swarm('show', '0')).toContain('No round of it was computed here yet.');
      expect(await swarm('leave', '1')).toContain('nothing of swarm 1');
    });

    it('[S-07] gives a new account coin on a local network, so that one command opens a swarm', async () => {
      const key = join(home, 'fresh.key');
      const file = join(home, 'spec.json');
      const price = JSON.parse(await swarm('create', file, '--key-file', key, '--dry-run', '--json'));
      expect(price.gas).toBeGreaterThan(0);
      const said = await swarm('create', file, '--key-file', key);
      expect(said).toMatch(/gave 1\.\d+ ether to 0x[0-9a-fA-F]{40}, which had too little/);
      expect(said).toMatch(/Swarm \d+ is open/);
      // It has enough now.
      expect(await swarm('create', file, '--key-file', key)).not.toContain('gave');
    });

    it('[S-07] names the account and the amount where nobody gives coin', async () => {
      const network = { ...local.network, name: 'Elsewhere', local: false, relays: [] };
      await writeFile(join(home, 'elsewhere.json'), JSON.stringify(network));
      const key = join(home, 'poor.key');
      await expect(
        swarm(
          'create',
          join(home, 'spec.json'),
          '--key-file',
          key,
          '--network',
          join(home, 'elsewhere.json'),
        ),
      ).rejects.toThrow(
        /The account 0x[0-9a-fA-F]{40} of .*poor\.key has 0 ether on Elsewhere, and opening the swarm takes at most 0\.\d+\. Send it 0\.\d+ ether/,
      );
    });

    it('[S-10] describes a folder’s model with manifests, and opens no swarm whose model nobody could get', async () => {
      const folder = join(home, 'described');
      await mkdir(folder);
      await writeFile(join(folder, 'config.json'), '{}');
      await writeFile(join(folder, 'model.safetensors'), new Uint8Array(2 ** 20 + 1));
      const base = JSON.parse(await swarm('describe', '--model', folder));
      const [config, weights] = base.files;
      expect(config).toMatchObject({ path: 'config.json', size: 2, urls: [] });
      expect(config).not.toHaveProperty('manifest');
      expect(weights.manifest).toMatch(/^bafkrei/);
      const hashed = base.files.map(({ path, size, sha256 }: SourceFile) => ({
        ...{ name: path, size, sha256: sha256.slice(2) },
      }));
      expect(base.root).toBe(filesRoot(hashed));
      // This program cannot open it, and another one may.
      expect(base).not.toHaveProperty('frozenRoot');
      const nano = JSON.parse(await swarm('describe', '--model', DEFAULT_MODEL));
      const source = folderSource(DEFAULT_MODEL);
      const { config: shape } = await openDescription(source);
      expect(nano.frozenRoot).toBe(await frozenRoot(shape, await openWeights(source, shape)));
      const { startedBy: _, startedAt: __, ...spec } = smallSpec;
      const create = async (files: readonly object[]) => {
        await writeFile(join(home, 'own.json'), JSON.stringify({ ...spec, base: { ...base, files } }));
        return swarm('create', join(home, 'own.json'), '--dry-run');
      };
      expect(await create(base.files)).toMatch(/takes \d+ gas/);
      const { manifest: ___, ...bare } = weights;
      await expect(create([config, bare])).rejects.toThrow(
        /Nobody could get model\.safetensors of described .*neither an address nor a manifest/,
      );
      const url = 'https://example.org/described';
      const addressed = JSON.parse(await swarm('describe', '--model', folder, '--url', url, '--json'));
      expect(addressed.files[1].urls).toEqual([`${url}/model.safetensors`]);
      await expect(swarm('describe')).rejects.toThrow(/--model/);
    });

    it('[S-06] opens a swarm that this program does not know, and says that it is so', async () => {
      const { startedBy: _, startedAt: __, ...spec } = smallSpec;
      const { name, root } = must(BUILTIN_MODELS, 0);
      const known = { ...spec, base: { kind: 'builtin', name, root }, tasks: NANO_SELECTION };
      const file = join(home, 'tasks.json');
      const create = async (content: object, ...flags: readonly string[]): Promise<string> => {
        await writeFile(file, JSON.stringify(content));
        return swarm('create', file, ...flags);
      };
      expect(JSON.parse(await create(known, '--dry-run', '--json')).refusals).toEqual([]);
      const tasks = { generators: [{ id: 'poems', version: 3, difficulties: [0] }], dataSets: [] };
      expect(await create({ ...known, tasks }, '--dry-run')).toMatch(
        /A member with this program is refused: This program does not know version 3 of the task poems\./,
      );
      expect(await create({ ...known, tasks })).toMatch(/does not know version 3 of the task poems/);
      const adapters = { kind: 'adapters', rank: 8, alpha: 16, targets: ['no_proj'] };
      const odd = JSON.parse(await create({ ...known, trained: adapters }, '--dry-run', '--json'));
      expect(odd.refusals).toEqual([expect.stringMatching(/adapters that this program cannot compute/)]);
    });

    it('names what is wrong, and opens nothing then', async () => {
      await expect(swarm('create', join(home, 'wrong.json'))).rejects.toThrow(/wrong at models/);
      await expect(swarm('create', join(home, 'absent.json'))).rejects.toThrow(/cannot be read/);
      await expect(swarm('show', '#/swarm/10/1')).rejects.toThrow(/chain 10/);
      await expect(swarm('show', '99')).rejects.toThrow(/no swarm of this number/);
      await expect(swarm('show')).rejects.toThrow(/Name a swarm/);
      await expect(swarm('close', '1')).rejects.toThrow(/create, describe, list, show, leave or drill/);
    });
  },
);
