import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface NetworkFile {
  readonly page: string;
  readonly rpc: string;
  readonly chainId: number;
  readonly contracts: { readonly identity: `0x${string}`; readonly participation: `0x${string}` };
  readonly rollup: Readonly<
    Record<'disputes' | 'payments' | 'ownership' | 'jobs' | 'crowdfund' | 'descriptions', `0x${string}`>
  >;
  readonly relays: readonly string[];
  /** Process numbers, so that a test can kill one as an outage would. */
  readonly processes: { readonly relay: number };
}

export interface Devnet {
  readonly network: NetworkFile;
  /** The folder that `npm start` keeps its state in. */
  readonly home: string;
  /** Everything it printed so far. */
  output(): string;
  /** Resolves when a printed line matches. */
  waitForLine(pattern: RegExp, timeoutMs?: number): Promise<string>;
  stop(): Promise<void>;
}

/** Starts the local network exactly as a user does, in a state folder of its own, and waits for its ready line. */
export async function startDevnet(options: { readonly arguments?: readonly string[] } = {}): Promise<Devnet> {
  const home = await mkdtemp(join(tmpdir(), 'starling-e2e-'));
  const child: ChildProcess = spawn(process.execPath, ['tools/start.mjs', ...(options.arguments ?? [])], {
    cwd: root,
    env: { ...process.env, STARLING_HOME: home },
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
    const network = JSON.parse(await readFile(join(home, 'devnet.json'), 'utf8')) as NetworkFile;
    return { network, home, output: () => text, waitForLine, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
