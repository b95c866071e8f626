import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readAttestations } from '../chain/attestations.ts';
import { NO_ANVIL } from '../chain/devnet/anvil.ts';
import { connect } from '../chain/network.ts';
import { locationOf } from '../chain/swarm-location.ts';
import { openArchiveFolder } from './archive/archive-folder.ts';
import { readNetworkFile } from './home/network-file.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const SOON = { timeout: 60_000, interval: 100 };

let home = '';
const stops: (() => Promise<void>)[] = [];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'starling-devnet-'));
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  // Processes of the network end by themselves after it, and write until then.
  await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
});

/** Starts the network as a person does, in a state folder of its own, and waits for its ready line. */
async function start(...argv: string[]) {
  const child = spawn(process.execPath, ['tools/start.mjs', ...argv], {
    cwd: root,
    env: { ...process.env, STARLING_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      text += data;
    });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  let processes: Readonly<Record<string, number>> = {};
  stops.push(async () => {
    child.kill('SIGKILL');
    await exited;
    await allGone(processes);
  });
  await vi.waitFor(
    () => {
      if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}:\n${text}`);
      expect(text).toMatch(/^Ready/m);
    },
    { timeout: 200_000, interval: 200 },
  );
  const file = JSON.parse(await readFile(join(home, 'devnet.json'), 'utf8'));
  processes = file.processes as Record<string, number>;
  return { child, exited, output: () => text, processes };
}

/** Waits until no process of a network is alive. */
function allGone(processes: Readonly<Record<string, number>>): Promise<void> {
  return vi.waitFor(() => expect(Object.values(processes).filter(isAlive)).toEqual([]), SOON);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(NO_ANVIL)(
  `a local network${NO_ANVIL === undefined ? '' : ` (skipped: ${NO_ANVIL})`}`,
  { timeout: 400_000 },
  () => {
    it('prints one address, serves the page with its network, and takes everything down on Ctrl-C', async () => {
      const busy = createServer().listen(5873, 'localhost');
      stops.push(() => new Promise((resolve) => busy.close(() => resolve())));
      const { child, exited, output, processes } = await start('--port', '5873');
      const network = await readNetworkFile(join(home, 'devnet.json'));
      expect(output().match(/https?:\/\/\S+/g)).toEqual([network.page]);
      expect(network.page).not.toContain(':5873/');
      expect(Object.values(processes).every(isAlive)).toBe(true);

      const page = await fetch(network.page ?? '');
      expect(page.status).toBe(200);
      expect(page.headers.get('cross-origin-opener-policy')).toBe('same-origin');
      expect(page.headers.get('cross-origin-embedder-policy')).toBe('require-corp');
      expect(await readNetworkFile(`${network.page}network.json`)).toEqual(network);

      const ask = (method: string, origin: string) =>
        fetch(network.rpc, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', Origin: origin },
          body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: [] }),
        });
      const own = new URL(network.page ?? '').origin;
      expect(await (await ask('eth_chainId', own)).text()).toContain('0x7a69');
      expect(await (await ask('anvil_reset', own)).text()).toContain('not available');
      expect((await ask('eth_chainId', 'https://evil.example')).status).toBe(403);

      child.kill('SIGINT');
      expect(await exited).toBe(0);
      expect(output()).toContain('Stopped.');
      expect(Object.values(processes).filter(isAlive)).toEqual([]);
      expect(existsSync(join(home, 'devnet.json'))).toBe(false);
      expect(existsSync(join(home, 'start.pid'))).toBe(false);
    });

    it('serves the page from its sources with --dev, and follows what is saved', async () => {
      await mkdir(join(root, 'coverage'), { recursive: true });
      // Below the root, where the dev server finds it, and ignored by git.
      const scratch = await mkdtemp(join(root, 'coverage/dev-loop-'));
      stops.push(() => rm(scratch, { recursive: true, force: true }));
      const { child, exited, output, processes } = await start('--dev', '--port', '5673');
      const page = (await readNetworkFile(join(home, 'devnet.json'))).page ?? '';
      expect(output().match(/https?:\/\/\S+/g)).toEqual([page]);

      const index = await fetch(page);
      expect(index.headers.get('cross-origin-opener-policy')).toBe('same-origin');
      expect(index.headers.get('cross-origin-embedder-policy')).toBe('require-corp');
      expect(await index.text()).toContain('/@vite/client');
      expect((await readNetworkFile(`${page}network.json`)).page).toBe(page);
      const main = await fetch(`${page}app/main.tsx`);
      expect(main.headers.get('content-type')).toContain('javascript');

      const module = join(scratch, 'hot.ts');
      const served = async () => (await fetch(page + module.slice(root.length))).text();
      await writeFile(module, 'export const word: string = "before";\n');
      expect(await served()).toContain('before');
      await writeFile(module, 'export const word: string = "after";\n');
      await vi.waitFor(async () => expect(await served()).toContain('after'), SOON);

      // A saved kernel is built again; one that was only touched is found unchanged.
      const [kernel = ''] = (await readdir(join(root, 'shaders'))).filter((name) => name.endsWith('.wgsl'));
      const builds = () => output().match(/kernels: /g)?.length ?? 0;
      const before = builds();
      await utimes(join(root, 'shaders', kernel), new Date(), new Date());
      await vi.waitFor(() => expect(builds()).toBeGreaterThan(before), SOON);

      child.kill('SIGINT');
      expect(await exited).toBe(0);
      expect(Object.values(processes).filter(isAlive)).toEqual([]);
      expect(existsSync(join(home, 'devnet.json'))).toBe(false);
    });

    it('leaves no process behind when it is killed, and goes on with the same chain when started again', async () => {
      const first = await start('--round', '20');
      const before = await readNetworkFile(join(home, 'devnet.json'));
      first.child.kill('SIGTERM');
      await first.exited;

      const second = await start('--no-build', '--round', '20');
      const after = await readNetworkFile(join(home, 'devnet.json'));
      expect(after.contracts).toEqual(before.contracts);
      expect(after.relays).toEqual(before.relays);
      expect(second.output()).toContain('going on from the last start');
      second.child.kill('SIGKILL');
      await second.exited;
      await allGone(second.processes);

      const third = await start('--no-build', '--round', '25');
      // Rounds of another length are another swarm on the same contracts.
      const other = await readNetworkFile(join(home, 'devnet.json'));
      expect(other.contracts).toEqual(before.contracts);
      expect(other.swarm).toBe(before.swarm + 1);
      third.child.kill('SIGTERM');
      expect(await third.exited).toBe(0);
    });

    it('trains with two volunteers, records their rounds on the chain, and can replay them', async () => {
      await start('--volunteers', '2', '--round', '30');
      const network = await readNetworkFile(join(home, 'devnet.json'));
      const client = connect(network);
      const archive = await openArchiveFolder(join(home, 'archive'));
      const location = locationOf(network);
      const onChain = async () =>
        readAttestations({ client, location, fromBlock: 0n, toBlock: await client.getBlockNumber() });
      await vi.waitFor(
        async () => {
          const devices = new Set((await onChain()).map(({ device }) => device));
          expect(devices.size).toBe(2);
          expect((await archive.list()).length).toBeGreaterThanOrEqual(2);
        },
        { timeout: 180_000, interval: 1000 },
      );
      const [entry] = await archive.list();
      if (entry === undefined) throw new Error('Nothing was archived.');
      const record = await archive.record(entry.device, entry.round);
      await vi.waitFor(
        async () =>
          expect(await onChain()).toContainEqual(
            expect.objectContaining({
              device: entry.device,
              round: entry.round,
              checkpointRoot: record?.checkpointRoot,
              rolloutDigest: record?.rolloutDigest,
            }),
          ),
        { timeout: 60_000, interval: 1000 },
      );

      const replay = spawn(
        process.execPath,
        ['--import', 'tsx', 'node/replay.ts', `${entry.device}:${entry.round}`],
        { cwd: root, env: { ...process.env, STARLING_HOME: home } },
      );
      let text = '';
      replay.stdout.on('data', (data) => {
        text += data;
      });
      expect(await new Promise((resolve) => replay.once('exit', resolve))).toBe(0);
      expect(text).toContain('same bits');
      expect(text).toContain('on the chain in block');
    });
  },
);
