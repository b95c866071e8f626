import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { createTestClient, createWalletClient, type Hex, type TestClient, type WalletClient } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { ChainError } from '../errors.ts';
import { chainOf, connect, transportOf } from '../network.ts';
import { sleep } from '../sleep.ts';
import { foundryBinary } from './foundry-binary.mjs';

/**
 * Why this machine has no native anvil; undefined if it has one. Tests that need one are skipped with this
 * reason.
 */
export const NO_ANVIL: string | undefined =
  foundryBinary('anvil') === undefined
    ? `no native anvil for ${process.platform}-${process.arch}; run npm install with optional packages`
    : undefined;

export interface AnvilOptions {
  /** The first port to try; if it is busy, the next ones. Defaults to any free port. */
  readonly port?: number;
  /** Seconds between blocks. Defaults to a block for each transaction at once. */
  readonly blockTime?: number;
  readonly chainId?: number;
  /** Address to listen on. Defaults to 127.0.0.1. */
  readonly host?: string;
  /** File that keeps the chain: read at the start if it exists, written every minute and at the end. */
  readonly state?: string;
  /** Kills the node when it fires. */
  readonly signal?: AbortSignal;
}

/** A local development node: anvil with the rules of an OP-stack rollup. */
export interface Anvil {
  readonly rpc: string;
  readonly port: number;
  readonly chainId: number;
  readonly pid: number;
  /** Resolves once the process has ended, for whatever reason. */
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

/** The first accounts that anvil funds, from its public test mnemonic. Worthless anywhere else. */
export const ANVIL_KEYS: readonly Hex[] = [
  '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
  '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d',
  '0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a',
  '0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6',
];

/**
 * Starts anvil and waits until it answers. Throws ChainError if there is none or it does not answer within 30
 * s.
 */
export async function startAnvil(options: AnvilOptions = {}): Promise<Anvil> {
  const { chainId = 31337, host = '127.0.0.1', blockTime, state, signal } = options;
  const binary = foundryBinary('anvil');
  if (binary === undefined) {
    throw new ChainError(
      'no-node',
      'There is no anvil for this machine. Run npm install with optional packages.',
    );
  }
  signal?.throwIfAborted();
  const port = await freePort(host, options.port ?? 0);
  const rpc = `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`;
  const process = spawn(
    binary,
    [
      ...['--host', host, '--port', String(port), '--chain-id', String(chainId)],
      ...['--network', 'optimism', '--silent'],
      // No web page may read its answers; a page that needs the chain is given a guarded address.
      '--no-cors',
      ...(blockTime === undefined ? [] : ['--block-time', String(blockTime)]),
      ...(state === undefined ? [] : ['--state', state, '--state-interval', '60']),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let complaint = '';
  process.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-400);
  });
  const exited = new Promise<void>((resolve) => {
    process.once('exit', () => resolve());
    process.once('error', (error) => {
      complaint = error.message;
      resolve();
    });
  });
  const gone = new AbortController();
  void exited.then(() => gone.abort());
  const kill = (): void => void process.kill('SIGTERM');
  signal?.addEventListener('abort', kill, { once: true });
  const stop = async (): Promise<void> => {
    signal?.removeEventListener('abort', kill);
    kill();
    const late = setTimeout(() => process.kill('SIGKILL'), 5000);
    await exited;
    clearTimeout(late);
  };
  const client = connect({ rpc, chainId }, { signal: gone.signal, timeout: 2000 });
  for (let waited = 0; waited < 30_000; waited += 100) {
    if (gone.signal.aborted) break;
    const answer = await client.getChainId().catch(() => undefined);
    if (answer === chainId) return { rpc, port, chainId, pid: process.pid ?? 0, exited, stop };
    await sleep(100, gone.signal);
  }
  await stop();
  signal?.throwIfAborted();
  throw new ChainError('no-node', `anvil did not start on port ${port}. ${complaint.trim() || 'Try again.'}`);
}

/** A wallet of one of ANVIL_KEYS, or of another private key. */
export function anvilWallet(anvil: Pick<Anvil, 'rpc' | 'chainId'>, key: number | Hex): WalletClient {
  const privateKey = typeof key === 'number' ? ANVIL_KEYS[key] : key;
  if (privateKey === undefined) throw new ChainError('invalid', `There is no development account ${key}.`);
  return createWalletClient({
    account: privateKeyToAccount(privateKey),
    chain: chainOf(anvil),
    transport: transportOf(anvil),
  });
}

/** Anvil's own commands: mining, warping, dropping transactions. */
export function anvilControls(anvil: Pick<Anvil, 'rpc' | 'chainId'>): TestClient {
  return createTestClient({ mode: 'anvil', chain: chainOf(anvil), transport: transportOf(anvil) });
}

/** The first free port from `from` on, or any free port for 0. */
async function freePort(host: string, from: number): Promise<number> {
  for (let port = from; port < from + 100; port++) {
    const free = await listenOnce(host, port);
    if (free !== undefined) return free;
  }
  throw new ChainError('no-node', `No port is free between ${from} and ${from + 99}.`);
}

/** The port, if it is free; undefined if it is not. For 0, any free port. */
function listenOnce(host: string, port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, host, () => {
      const address = server.address();
      const found = typeof address === 'object' && address !== null ? address.port : undefined;
      server.close(() => resolve(found));
    });
  });
}
