import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEther } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Anvil, anvilControls, NO_ANVIL, startAnvil } from '../../chain/devnet/anvil.ts';
import { toHex } from '../../protocol/hex.ts';
import { secretFile } from '../home/key-file.ts';
import { readNetworkFile } from '../home/network-file.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The commands of docs/deploy.md, in order, without what is said of them. */
async function commandsOf(document: string): Promise<readonly string[]> {
  const text = await readFile(join(root, document), 'utf8');
  return [...text.matchAll(/^ {4}((?:npm|npx|node) .*)$/gm)].map(([, line = '']) =>
    line.replace(/\s+#.*$/, '').trim(),
  );
}

describe.skipIf(NO_ANVIL !== undefined)(`docs/deploy.md${NO_ANVIL ?? ''}`, { timeout: 400_000 }, () => {
  let folder: string;
  let anvil: Anvil;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'starling docs '));
    anvil = await startAnvil({ chainId: 424_243 });
  });
  afterAll(async () => {
    await anvil.stop();
    // What the document's network file left in dist/.
    await run(['npx', 'tsx', 'node/site/write-site.ts', '--site', 'dist']);
    await rm(folder, { recursive: true, force: true });
  });

  /** A command with this test's chain, files and ports in the place of the document's. */
  function here(command: string): readonly string[] {
    const words = command.split(' ').map((word) => {
      if (word === 'http://127.0.0.1:8545') return anvil.rpc;
      return ['network.json', 'deploy.key'].includes(word) ? join(folder, word) : word;
    });
    if (words[2] === 'deploy') words.push('--out', join(folder, 'network.json'));
    if (words[2] === 'serve')
      words.push(
        ...['--home', join(folder, 'serve'), '--host', '127.0.0.1', '--ws-port', '0', '--tcp-port', '0'],
        ...['--http-port', '0'],
      );
    return words;
  }

  /** Runs a command to its end, or until it says that it is ready. What it asks is answered with yes. */
  async function run(words: readonly string[]) {
    const [program = '', ...argv] = words;
    const child = spawn(program, argv, { cwd: root, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data) => {
        text += data;
        // The group, because npm starts other processes.
        if (/^Ready: /m.test(text)) process.kill(-(child.pid ?? 0), 'SIGTERM');
      });
    child.stdin.end('yes\n');
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, text };
  }

  it('has commands that work in their order', async () => {
    const commands = await commandsOf('docs/deploy.md');
    expect(commands.map((command) => command.split(' ').slice(0, 3).join(' '))).toEqual([
      ...['npm run deploy', 'npm run deploy', 'npm run serve', 'npm run serve'],
      ...['npm run build', 'npm run build', 'npx tsx node/page-headers.ts'],
    ]);
    const [price = '', deploy = '', missing = '', serve = '', ...site] = commands;
    expect((await run(here(price))).text).toMatch(/Price: at most about/);
    const key = toHex(await secretFile(join(folder, 'deploy.key')));
    const { address } = privateKeyToAccount(key);
    await anvilControls(anvil).setBalance({ address, value: parseEther('10') });
    const deployed = await run(here(deploy));
    expect(deployed.text).toContain('Swarm 0 is open.');
    expect(deployed.code).toBe(0);

    const told = await run(here(missing));
    expect(told.text).toContain('Missing: network.json does not name this relay.');
    expect(told.code).toBe(1);
    expect((await run(here(serve))).text).toMatch(/^Ready: http/m);
    const network = await readNetworkFile(join(folder, 'network.json'));
    expect(network.relays[0]).toMatch(/^\/dns4\/relay\.example\.org\/tcp\/443\/wss\/p2p\//);

    for (const command of site) {
      const { code, text } = await run(here(command));
      expect(code, `${command}\n${text}`).toBe(0);
    }
    expect(await readNetworkFile(join(root, 'dist/network.json'))).toEqual(network);
    expect(await readFile(join(root, 'dist/_headers'), 'utf8')).toContain('wss://relay.example.org:443');
  });
});
