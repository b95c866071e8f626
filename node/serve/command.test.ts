import '../../swarm/node20.ts';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEther } from 'viem';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NO_ANVIL } from '../../chain/devnet/anvil.ts';
import { type LocalChain, startLocalChain } from '../../chain/testing/local-chain.ts';
import type { Hex } from '../../protocol/hex.ts';
import { UsageError } from '../home/command-line.ts';
import { readNetworkFile } from '../home/network-file.ts';
import { runServeCommand } from './command.ts';
import { parseServeSettings } from './settings.ts';

const PUBLIC = ['--announce', '/dns4/relay.example.org/tcp/443/wss'];

let folder = '';
const stops: (() => unknown)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-serve-'));
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await rm(folder, { recursive: true, force: true });
});

const file = () => join(folder, 'network.json');
const flags = (...more: readonly string[]) => [
  ...[file(), '--home', join(folder, 'home'), '--host', '127.0.0.1', '--ws-port', '0', '--tcp-port', '0'],
  ...['--http-port', '0', ...more],
];

/** A chain with the contracts, and a network file of it with changes. */
async function chainAndFile(changes: object = {}): Promise<LocalChain> {
  const chain = await startLocalChain();
  stops.push(() => chain.stop());
  await writeFile(file(), JSON.stringify({ ...chain.network, relays: [], ...changes }));
  return chain;
}

/** Runs the command until it ends by itself. */
async function run(...argv: readonly string[]) {
  const lines: string[] = [];
  const signal = new AbortController().signal;
  const code = await runServeCommand({ argv, print: (line) => lines.push(line), signal });
  return { code, lines: lines.join('\n') };
}

/** Starts the services, and resolves when they are ready. */
async function serve(...argv: readonly string[]) {
  const lines: string[] = [];
  const stopped = new AbortController();
  const ended = runServeCommand({ argv, print: (line) => lines.push(line), signal: stopped.signal });
  const stop = async () => {
    stopped.abort();
    await ended;
  };
  stops.push(stop);
  ended.catch(() => undefined);
  await Promise.race([
    ended,
    vi.waitFor(() => expect(lines.join('\n')).toContain('Ready: '), { timeout: 60_000, interval: 20 }),
  ]);
  const http = /Ready: (http:\/\/\S+)\/healthz/.exec(lines.join('\n'))?.[1] ?? '';
  return { lines, http, stop };
}

describe('parseServeSettings', () => {
  it.each([
    [['network.json', '--announce', 'relay.example.org']],
    [['network.json', '--certificate', 'a.pem']],
    [['network.json', '--max-fee', 'much']],
    [['network.json', '--turn-secret-file', '/nowhere/secret']],
    [['network.json', '--swarms', '17']],
    [['network.json', 'another.json']],
    [[]],
  ])('refuses %j', async (argv) => {
    await expect(parseServeSettings(argv)).rejects.toBeInstanceOf(UsageError);
  });
});

describe.skipIf(NO_ANVIL !== undefined)(`npm run serve${NO_ANVIL ?? ''}`, () => {
  it('says what is missing with --dry-run, until nothing is', async () => {
    const chain = await chainAndFile({
      ...{ local: false, page: 'https://train.example/' },
      iceServers: [{ urls: 'turn:turn.example', credentials: 'https://relay.example.org/turn-credentials' }],
    });
    const busy = createServer();
    await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
    stops.push(() => new Promise((resolve) => busy.close(resolve)));
    const { port } = busy.address() as { readonly port: number };
    const first = await run(...flags('--dry-run', '--ws-port', String(port)));
    expect(first.code).toBe(1);
    for (const sentence of [
      `Missing: Port ${port} for the relay’s WebSocket is taken.`,
      'Missing: Nobody outside can reach the relay',
      'Missing: The page lies behind https',
      'Missing: The submitter’s account 0x',
      'Missing: network.json names an address of TURN credentials',
      'Note: The RPC address is without TLS',
    ])
      expect(first.lines).toContain(sentence);

    const unnamed = await run(...flags('--dry-run', ...PUBLIC));
    expect(unnamed.lines).toMatch(/or add: \/dns4\/relay\.example\.org\/tcp\/443\/wss\/p2p\/16Uiu2H\w+/);
    const account = /account (0x\w{40})/.exec(first.lines)?.[1] as Hex;
    await chain.controls.setBalance({ address: account, value: parseEther('1000') });
    const secret = join(folder, 'secret');
    await writeFile(secret, 'north\n');
    const last = await run(...flags('--dry-run', '--write', '--turn-secret-file', secret, ...PUBLIC));
    expect(last.lines).toContain('Nothing is missing.');
    expect(last.code).toBe(0);
    // Written once, however often it runs, and nothing else is changed.
    const written = await readFile(file(), 'utf8');
    await run(...flags('--dry-run', '--write', ...PUBLIC));
    expect(await readFile(file(), 'utf8')).toBe(written);
    expect((await readNetworkFile(file())).relays).toHaveLength(1);

    await chain.stop();
    expect((await run(...flags('--dry-run', ...PUBLIC))).lines).toContain('does not answer');
  });

  it('starts relay, archive and submitter, and tells of them; the relay keeps its name', async () => {
    await chainAndFile();
    const secret = join(folder, 'secret');
    await writeFile(secret, 'north\n');
    const first = await serve(...flags('--turn-secret-file', secret, '--gas-per-day', '1000000'));
    const relayOf = (lines: readonly string[]) =>
      lines.filter((line) => line.startsWith('Relay: ')).map((line) => line.split('/p2p/').at(-1));
    // The account has nothing, which is said, and is no reason to be restarted.
    const account = /pays from (0x\w{40})/.exec(first.lines.join('\n'))?.[1];
    await vi.waitFor(
      async () => {
        const health = await fetch(`${first.http}/healthz`);
        expect(health.status).toBe(200);
        expect(JSON.stringify(await health.json())).toContain(`The account ${account} has 0 ether`);
      },
      { timeout: 30_000, interval: 50 },
    );
    expect(first.lines.join('\n')).toContain(`ALARM: The account ${account} has 0 ether`);
    const metrics = await (await fetch(`${first.http}/metrics`)).text();
    for (const name of [
      'starling_broken 0',
      'starling_warnings 1',
      'starling_relay_connections ',
      'starling_submitter_waiting{swarm="0"} 0',
      'starling_submitter_gas_left{swarm="0"} 1000000',
      'starling_archive_limit_bytes 21474836480',
      'starling_turn_credentials_total 0',
    ])
      expect(metrics).toContain(name);
    const credentials = await (await fetch(`${first.http}/turn-credentials`)).json();
    expect(credentials).toMatchObject({ ttl: 3600, username: expect.stringMatching(/^\d{10}:starling$/) });
    await first.stop();

    const second = await serve(...flags());
    expect(relayOf(second.lines).length).toBeGreaterThan(0);
    expect(new Set(relayOf(second.lines))).toEqual(new Set(relayOf(first.lines)));
    expect((await fetch(`${second.http}/turn-credentials`)).status).toBe(404);
  });
});
