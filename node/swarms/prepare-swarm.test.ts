import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_ANVIL } from '../../chain/devnet/anvil.ts';
import { openSwarm } from '../../chain/open-swarm.ts';
import { type LocalChain, startLocalChain } from '../../chain/testing/local-chain.ts';
import { filesRoot } from '../../models/loading/file-root.ts';
import { type ModelServer, startModelServer } from '../../models/loading/testing/model-server.ts';
import { folderName } from '../../models/storage/directory.ts';
import { type Hex, toHex } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { parseNetwork } from '../../protocol/network-file.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import { partsSpec, smallSpec } from '../../protocol/testing/sample-swarm-specs.ts';
import { networkId } from '../../swarm/network-id.ts';
import { BUILTIN_MODELS } from '../../training/builtin-models.ts';
import { NANO_SELECTION } from '../../training/tasks/catalogue.ts';
import { DEFAULT_MODEL } from '../home/model-folder.ts';
import { leaveSwarm } from './leave-swarm.ts';
import { folderOf, type PrepareSwarmOptions, prepareSwarm } from './prepare-swarm.ts';

const NAMES = ['config.json', 'tokenizer.json', 'model.safetensors'];
const questions = new TextEncoder().encode(
  Array.from({ length: 40 }, (_, i) =>
    JSON.stringify({ question: `${i} and ${i}?`, answer: `${2 * i}` }),
  ).join('\n'),
);

describe.skipIf(NO_ANVIL !== undefined)(
  `prepareSwarm${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`,
  () => {
    let local: LocalChain;
    let server: ModelServer;
    let home: string;
    beforeAll(async () => {
      local = await startLocalChain();
      home = await mkdtemp(join(tmpdir(), 'starling-swarm-'));
      const nano = await Promise.all(
        NAMES.map(async (name) => [name, new Uint8Array(await readFile(join(DEFAULT_MODEL, name)))] as const),
      );
      server = await startModelServer(Object.fromEntries([...nano, ['questions.jsonl', questions]]));
    });
    afterAll(async () => {
      await local?.stop();
      await server?.[Symbol.asyncDispose]();
      await rm(home, { recursive: true, force: true });
    });

    const { name, root } = must(BUILTIN_MODELS, 0);
    const builtin: SwarmSpec = { ...smallSpec, base: { kind: 'builtin', name, root }, tasks: NANO_SELECTION };
    /** Opens a swarm and prepares for it in a home of its own. */
    async function prepare(spec: SwarmSpec, more: Partial<PrepareSwarmOptions> = {}) {
      const queue = local.queue(2);
      const startedBy = queue.address.toLowerCase() as Hex;
      const { id } = await openSwarm({
        queue,
        swarms: local.network.contracts.swarms,
        spec: { ...spec, startedBy },
      });
      const own = join(home, String(id));
      await mkdir(own, { recursive: true });
      const network = parseNetwork({ ...local.network, relays: [], swarm: id });
      return prepareSwarm({
        ...{
          network,
          client: local.client,
          swarm: id,
          home: own,
          modelBytes: () => 1e9,
        },
        ...more,
      });
    }
    function served(): Extract<SwarmSpec['base'], { kind: 'files' }> {
      const files = NAMES.map((path) => {
        const { bytes } = must([server.files.get(path)], 0) as { bytes: Uint8Array };
        return { path, size: bytes.length, sha256: toHex(sha256Of(bytes)), urls: [`${server.url}/${path}`] };
      });
      const hashed = files.map((file) => ({
        name: file.path,
        size: file.size,
        sha256: file.sha256.slice(2),
      }));
      return { kind: 'files', name: 'served', root: filesRoot(hashed), files };
    }
    const dataSet = {
      id: 'doubles',
      file: { path: 'questions.jsonl', size: questions.length, sha256: toHex(sha256Of(questions)), urls: [] },
      fields: { prompt: 'question', answer: 'answer' },
      heldOutOneIn: 4,
      checker: { kind: 'number' },
    } as const;

    it('[S-09] takes the built-in model from this program', async () => {
      const prepared = await prepare(builtin);
      expect(prepared.spec.tasks).toEqual(NANO_SELECTION);
      expect(await readFile(join(folderOf(prepared.model), 'config.json'))).toEqual(
        await readFile(join(DEFAULT_MODEL, 'config.json')),
      );
    });

    it('[S-09] downloads the files of a model and of questions, and asks for nothing the second time', async () => {
      const file = { ...dataSet.file, urls: [`${server.url}/questions.jsonl`] };
      const tasks = { generators: [], dataSets: [{ ...dataSet, file }] };
      const spec: SwarmSpec = { ...builtin, base: served(), tasks };
      const own = join(home, 'again');
      const prepared = await prepare(spec, { home: own });
      expect(prepared.dataSets.get('doubles')).toEqual(questions);
      expect(new Uint8Array(await readFile(join(folderOf(prepared.model), 'model.safetensors'))).length).toBe(
        served().files[2]?.size,
      );
      const asked = server.requests.length;
      await prepare(spec, { home: own });
      expect(server.requests.length).toBe(asked);
    });

    it('[S-15] leaves a base that is read in parts for later, unless it is here as a whole', async () => {
      const { blocks, trained } = partsSpec;
      const base = { ...served(), frozenRoot: `0x${'1e'.repeat(32)}` } as const;
      const spec: SwarmSpec = { ...builtin, base, blocks, trained };
      const own = join(home, 'parts');
      const asked = server.requests.length;
      const { model } = await prepare(spec, { home: own, readsParts: true });
      expect(model).toEqual({ kind: 'chunked', base });
      expect(() => folderOf(model)).toThrow(RangeError);
      const elsewhere = await prepare(spec, {
        home: own,
        readsParts: true,
        model: 'https://example.org/nano',
      });
      expect(elsewhere.model).toMatchObject({
        base: {
          files: [{ urls: ['https://example.org/nano/config.json', must(base.files, 0).urls[0]] }, {}, {}],
        },
      });
      expect(server.requests.length).toBe(asked);
      // Who replays the run reads all of it, and then it is here.
      expect(folderOf((await prepare(spec, { home: own })).model)).toContain(own);
      expect((await prepare(spec, { home: own, readsParts: true })).model.kind).toBe('folder');
      const folder = await prepare(spec, { readsParts: true, model: DEFAULT_MODEL });
      expect(folder.model).toEqual({ kind: 'folder', folder: DEFAULT_MODEL });
      const bad = { ...base, root: `0x${'00'.repeat(32)}` } as const;
      await expect(prepare({ ...spec, base: bad }, { readsParts: true })).rejects.toThrow(
        /does not have the root/,
      );
    });

    it('[S-09] takes model and questions from folders, and refuses a folder with another model', async () => {
      const folder = await mkdtemp(join(home, 'folder-'));
      await writeFile(join(folder, 'questions.jsonl'), questions);
      const tasks = { generators: [], dataSets: [dataSet] };
      const prepared = await prepare(
        { ...builtin, base: served(), tasks },
        { model: DEFAULT_MODEL, data: folder },
      );
      expect(prepared.model).toEqual({ kind: 'folder', folder: DEFAULT_MODEL });
      for (const name of NAMES) await writeFile(join(folder, name), '{}');
      await expect(prepare({ ...builtin, base: served() }, { model: folder })).rejects.toThrow(
        /is not the file/,
      );
      await expect(prepare(builtin, { model: folder })).rejects.toThrow(/has the root/);
      await expect(prepare({ ...builtin, tasks })).rejects.toThrow(/ask whoever started the swarm/);
    });

    it('[S-06] [S-09] refuses in one sentence, before anything is downloaded', async () => {
      const asked = server.requests.length;
      const refused = async (spec: SwarmSpec, sentence: RegExp, more: Partial<PrepareSwarmOptions> = {}) =>
        expect(prepare(spec, more)).rejects.toThrow(sentence);
      const unknown = { generators: [{ id: 'chess', version: 1, difficulties: [0] }], dataSets: [] };
      await refused({ ...builtin, tasks: unknown }, /does not know version 1 of the task chess/);
      await refused({ ...builtin, base: served() }, /can hold/, { modelBytes: () => 1000 });
      await refused({ ...builtin, base: { ...served(), root: `0x${'ee'.repeat(32)}` } }, /root/);
      await refused(
        { ...builtin, base: { kind: 'builtin', name: 'nano', root: `0x${'ee'.repeat(32)}` } },
        /another state/,
      );
      const adapters = { kind: 'adapters', rank: 4, alpha: 8, targets: ['z_proj'] } as const;
      await refused({ ...builtin, trained: adapters }, /adapters that this program cannot compute/);
      expect(server.requests.length).toBe(asked);
    });

    it('[S-10] refuses a large file that nobody could get before it asks for another one', async () => {
      const asked = server.requests.length;
      const base = served();
      const size = 2 ** 20 + 1;
      // Members may bring models of their own there, so that it can be opened.
      const spec: SwarmSpec = {
        ...builtin,
        models: 'any',
        base: { ...base, files: [...base.files, { ...dataSet.file, path: 'more.safetensors', size }] },
      };
      await expect(prepare(spec)).rejects.toThrow(/Nobody could get more\.safetensors/);
      await expect(prepare({ ...spec, models: 'one' })).rejects.toThrow(/Nobody could get more\.safetensors/);
      expect(server.requests.length).toBe(asked);
    });

    it('leaves a swarm without its own checkpoint, and keeps that where it is', async () => {
      const network = parseNetwork({ ...local.network, relays: [], swarm: 3 });
      const own = join(home, 'leaving');
      expect(await leaveSwarm({ network, home: own })).toEqual({ swarm: 3, checkpoints: null, deleted: [] });
      const { chainId, contracts } = network;
      const checkpoints = join(
        own,
        'checkpoints',
        folderName(networkId(chainId, contracts.participation, 3)),
      );
      await mkdir(checkpoints, { recursive: true });
      await mkdir(join(own, 'models'), { recursive: true });
      await mkdir(join(checkpoints, 'kept'));
      await writeFile(join(checkpoints, 'checkpoint.a'), 'x');
      const left = await leaveSwarm({ network, home: own });
      expect(left).toEqual({
        swarm: 3,
        checkpoints,
        deleted: [join(checkpoints, 'kept'), join(own, 'models')],
      });
      expect(await readFile(join(checkpoints, 'checkpoint.a'), 'utf8')).toBe('x');
    });
  },
);
