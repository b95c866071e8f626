import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * A child process of the local network: another TypeScript entry, with a channel that tells it when this one
 * is gone.
 */
export interface Child {
  readonly pid: number;
  /** Resolves with a few words on how it ended. */
  readonly ended: Promise<string>;
  /** The next message it sends. Rejects when it ends first. */
  message(): Promise<unknown>;
  /** SIGTERM, and SIGKILL after five seconds. Resolves when it has ended. */
  stop(): Promise<void>;
}

/** Starts `node <entry> ...argv` through tsx. Each line it prints is handed to `onLine`. */
export function startChild(options: {
  readonly entry: URL;
  readonly argv?: readonly string[];
  readonly onLine: (line: string) => void;
}): Child {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(options.entry), ...(options.argv ?? [])],
    { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
  );
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream?.on('data', (data: Buffer) => {
      const lines = (rest + data.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') options.onLine(line);
    });
  }
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal === null ? `code ${code}` : signal));
  });
  return {
    pid: child.pid ?? 0,
    ended,
    message: () =>
      new Promise((resolve, reject) => {
        child.once('message', resolve);
        void ended.then((how) => reject(new Error(`It ended before it was ready (${how}).`)));
      }),
    async stop() {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(late);
    },
  };
}
