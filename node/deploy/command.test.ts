import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Hex, parseEther } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { anvilControls, NO_ANVIL, startAnvil } from '../../chain/devnet/anvil.ts';
import { connect } from '../../chain/network.ts';
import { readSwarm } from '../../chain/swarms.ts';
import { startEthereumJsNode } from '../../chain/testing/ethereumjs-node.ts';
import { readNetworkFile } from '../home/network-file.ts';
import { runDeployCommand } from './command.ts';

let folder = '';
let key: Hex;
const stops: (() => unknown)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-deploy-'));
  key = generatePrivateKey();
  await writeFile(join(folder, 'deploy.key'), `${key}\n`, { mode: 0o600 });
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await rm(folder, { recursive: true, force: true });
});

/** Runs the command with this test's key and network file. A question is answered with `answer`. */
async function deploy(rpc: string, { answer = 'no', more = [] as readonly string[] } = {}) {
  const lines: string[] = [];
  const questions: string[] = [];
  const argv = [
    '--rpc',
    rpc,
    '--key-file',
    join(folder, 'deploy.key'),
    '--out',
    join(folder, 'network.json'),
  ];
  const done = await runDeployCommand({
    argv: [...argv, ...more],
    print: (line) => lines.push(line),
    ask: async (question) => {
      questions.push(question);
      return answer;
    },
    signal: new AbortController().signal,
  });
  return { done, lines: lines.join('\n'), questions };
}

const networkFile = () => readNetworkFile(join(folder, 'network.json'));

describe('npm run deploy on a chain without development accounts', () => {
  it('shows chain, balance and price, asks, deploys, and writes a network file with a first swarm', async () => {
    const { address } = privateKeyToAccount(key);
    const node = await startEthereumJsNode({ rich: [address] });
    stops.push(() => node.stop());

    const asked = await deploy(node.rpc);
    expect(asked).toMatchObject({ done: false, questions: ['Deploy? (yes or no) '] });
    expect(asked.lines).toContain(`Chain ${node.chainId} at `);
    expect(asked.lines).toContain(`Account ${address} has 100 ether.`);
    expect(asked.lines).toMatch(/To do: 13 of 13 contracts, the deployment proxy, and a first swarm\./);
    expect(asked.lines).toMatch(/Price: at most about 0\.\d+ ether \(\d+ gas at 3?\d?\.?\d* gwei\)/);
    await expect(networkFile()).rejects.toThrow('There is no network');
    const balance = await connect(node).getBalance({ address });
    expect(balance).toBe(parseEther('100'));

    const done = await deploy(node.rpc, {
      answer: 'yes',
      more: ['--page', 'https://train.example/starling/'],
    });
    expect(done.done).toBe(true);
    expect(done.lines.match(/its code compared/g)).toHaveLength(13);
    const network = await networkFile();
    expect(network).toMatchObject({
      chainId: node.chainId,
      rpc: node.rpc,
      local: false,
      relays: [],
      swarm: 0,
    });
    expect(done.lines).toContain(`Link: https://train.example/starling/#/swarm/${node.chainId}/0`);
    const { published } = await readSwarm(connect(node), network.contracts.swarms, 0);
    expect(published).toMatchObject({ kind: 'readable', spec: { startedBy: address.toLowerCase() } });
    // What it said it costs is what it cost at most.
    const said = Number(/about ([\d.]+) ether/.exec(asked.lines)?.[1]);
    const spent = Number(balance - (await connect(node).getBalance({ address }))) / 1e18;
    expect(spent).toBeLessThanOrEqual(said);
  });
});

describe.skipIf(NO_ANVIL !== undefined)(`npm run deploy on anvil${NO_ANVIL ?? ''}`, () => {
  it('asks nothing with --yes, deploys nothing twice, and keeps what else the network file says', async () => {
    const anvil = await startAnvil({ chainId: 777 });
    stops.push(() => anvil.stop());
    const { address } = privateKeyToAccount(key);
    await expect(deploy(anvil.rpc, { more: ['--yes'] })).rejects.toThrow(
      /Send it [\d.]+ ether, and try again/,
    );
    await anvilControls(anvil).setBalance({ address, value: parseEther('10') });
    const { questions } = await deploy(anvil.rpc, { more: ['--yes'] });
    expect(questions).toEqual([]);
    const path = join(folder, 'network.json');
    const first = JSON.parse(await readFile(path, 'utf8'));
    const iceServers = [{ urls: 'stun:stun.example' }];
    await writeFile(path, JSON.stringify({ ...first, iceServers, rpc: 'https://rpc.example/' }));

    const again = await deploy(anvil.rpc, { more: ['--yes', '--name', 'Open network'] });
    expect(again.lines).toContain('To do: 0 of 13 contracts (13 are there), and a first swarm.');
    expect(again.lines).toContain('Swarm 0 goes on.');
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({
      ...first,
      ...{ iceServers, rpc: 'https://rpc.example/', name: 'Open network' },
    });

    const other = await startAnvil({ chainId: 778 });
    stops.push(() => other.stop());
    await expect(deploy(other.rpc, { more: ['--yes'] })).rejects.toThrow('is of chain 777, not 778');
  });

  it('sends nothing with --dry-run, and refuses a chain that disputes do not fit', async () => {
    const anvil = await startAnvil();
    stops.push(() => anvil.stop());
    expect((await deploy(anvil.rpc, { more: ['--dry-run'] })).lines).toContain('Price: ');
    await expect(networkFile()).rejects.toThrow('There is no network');
    await anvilControls(anvil).setBlockGasLimit({ gasLimit: 8_000_000n });
    await anvilControls(anvil).mine({ blocks: 1 });
    await expect(deploy(anvil.rpc, { more: ['--yes'] })).rejects.toThrow(
      'A block has 8000000 gas, and judging one step takes up to 10000000.',
    );
  });
});
