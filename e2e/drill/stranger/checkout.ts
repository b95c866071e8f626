import { type ChildProcess, spawn } from 'node:child_process';
import { ProgramError } from '../run.ts';

/** What a command printed, and how it ended. */
interface CommandResult {
  readonly code: number | null;
  readonly text: string;
}

export interface CommandOptions {
  /** What the person types. Defaults to nothing. */
  readonly input?: string;
  /** The exit code that is right. Defaults to 0. */
  readonly code?: number;
}

/** A command that goes on until it is stopped. */
export interface RunningCommand {
  /** What it printed until it was ready. */
  readonly text: string;
  /** SIGTERM to the command and what it started. Resolves when it has ended. */
  stop(): Promise<void>;
}

/** A stranger's checkout, in which commands run as that person would type them. */
export class Checkout {
  readonly folder: string;
  readonly #signal: AbortSignal;

  constructor(folder: string, signal: AbortSignal) {
    this.folder = folder;
    this.#signal = signal;
  }

  /** Runs a command to its end. Rejects with ProgramError when it ends with another code than expected. */
  async run(words: readonly string[], options: CommandOptions = {}): Promise<string> {
    const { child, ended } = this.#start(words);
    child.stdin?.end(options.input ?? '');
    const { code, text } = await ended;
    if (code !== (options.code ?? 0)) throw failureOf(words, { code, text });
    return text;
  }

  /** Starts a command, and waits until it prints a line that matches. Rejects with ProgramError. */
  async start(words: readonly string[], ready: RegExp): Promise<RunningCommand> {
    const { child, ended, printed } = this.#start(words);
    child.stdin?.end();
    const early = ended.then((result) => Promise.reject(failureOf(words, result)));
    await Promise.race([printed(ready), early]);
    return {
      text: await printed(ready),
      async stop() {
        early.catch(() => undefined);
        killGroup(child);
        await ended;
      },
    };
  }

  #start(words: readonly string[]) {
    const [program = '', ...argv] = words;
    // A group of its own, because npm starts other processes.
    const child = spawn(program, argv, {
      ...{ cwd: this.folder, env: strangersEnvironment(), detached: true },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    // A program may end before it has read what is typed.
    child.stdin?.on('error', () => undefined);
    let text = '';
    const watchers = new Set<() => void>();
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (data: Buffer) => {
        text += data.toString();
        for (const watcher of watchers) watcher();
      });
    const kill = (): void => killGroup(child);
    this.#signal.addEventListener('abort', kill, { once: true });
    const ended = new Promise<CommandResult>((resolve, reject) => {
      child.once('error', (cause) => reject(new ProgramError(words.join(' '), { cause })));
      child.once('close', (code) => {
        this.#signal.removeEventListener('abort', kill);
        resolve({ code, text });
      });
    });
    const printed = (pattern: RegExp): Promise<string> =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!pattern.test(text)) return;
          watchers.delete(look);
          resolve(text);
        };
        watchers.add(look);
        look();
      });
    return { child, ended, printed };
  }
}

/** Nothing of the program that this one was started by: npm tells its scripts where it stands. */
function strangersEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) =>
      !/^(npm_|STARLING_|INIT_CWD$|NODE_OPTIONS$)/.test(name) || /^npm_config_(cache|registry)$/.test(name),
  );
  return Object.fromEntries(own);
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGTERM');
  } catch {
    // It has ended by itself.
  }
}

function failureOf(words: readonly string[], { code, text }: CommandResult): ProgramError {
  return new ProgramError(`${words.join(' ')} ended with code ${code}: ${text.trim().slice(-1500)}`);
}
