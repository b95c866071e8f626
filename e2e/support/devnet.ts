import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Network } from '../../protocol/network-file.ts';
import type { RollupContracts } from '../../protocol/rollup.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What `npm start` writes: a network with a page, paid training, and its processes. */
export interface DevnetFile extends Network {
  readonly page: string;
  readonly rollup: RollupContracts;
  /** Process numbers, so that a test can kill one as an outage would. */
  readonly processes: { readonly relay: number };
}

export interface Devnet {
  readonly network: DevnetFile;
  /** The folder that `npm start` keeps its state in. */
  readonly home: string;
  /** The chain's own address, for the development node's commands. The page knows only the guarded one. */
  readonly nodeRpc: string;
  /** Everything it printed so far. */
  output(): string;
  /** Resolves when a printed line matches. */
  waitForLine(pattern: RegExp, timeoutMs?: number): Promise<string>;
  stop(): Promise<void>;
}

/**
 * Starts the local network exactly as a user does, in a state folder of its own, and waits for its ready
 * line.
 */
export async function startDevnet(
  options: {
    readonly arguments?: readonly string[];
    /** Beside this process's own. */
    readonly environment?: Readonly<Record<string, string>>;
  } = {},
): Promise<Devnet> {
  const home = await mkdtemp(join(tmpdir(), 'starling-e2e-'));
  const child: ChildProcess = spawn(process.execPath, ['tools/start.mjs', ...(options.arguments ?? [])], {
    cwd: root,
    env: { ...process.env, ...options.environment, STARLING_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: false,
  });
  let text = '';
  const watchers = new Set<() => void>();
  const onData = (data: Buffer) => {
    text += data.toString();
    for (const watcher of watchers) watcher();
  };
  child.stdout?.on('data', onData);
  child.stderr?.on('data', onData);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));

  const waitForLine = (pattern: RegExp, timeoutMs = 120_000) =>
    new Promise<string>((resolve, reject) => {
      const finish = (act: () => void) => {
        clearTimeout(timer);
        watchers.delete(look);
        act();
      };
      const look = () => {
        const line = text.split('\n').find((candidate) => pattern.test(candidate));
        if (line !== undefined) finish(() => resolve(line));
        else if (child.exitCode !== null)
          finish(() =>
            reject(new Error(`npm start ended with code ${child.exitCode}:\n${text.slice(-4000)}`)),
          );
      };
      const timer = setTimeout(
        () => finish(() => reject(new Error(`npm start never printed ${pattern}:\n${text.slice(-4000)}`))),
        timeoutMs,
      );
      watchers.add(look);
      void exited.then(look);
      look();
    });

  const stop = async () => {
    if (child.exitCode === null) {
      child.kill('SIGINT');
      await exited;
    }
    await rm(home, { recursive: true, force: true });
  };

  try {
    await waitForLine(/ready/i, 240_000);
    const network = JSON.parse(await readFile(join(home, 'devnet.json'), 'utf8')) as DevnetFile;
    const nodeRpc = await readFile(join(home, 'chain', 'node-rpc'), 'utf8');
    return { network, home, nodeRpc, output: () => text, waitForLine, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
