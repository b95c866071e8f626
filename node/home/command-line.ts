import { type ParseArgsConfig, parseArgs } from 'node:util';

/** A wrong command line, or anything else that is said in one sentence and not with a stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Like node:util's parseArgs, but a wrong flag is a UsageError with the help text. */
export function parseCommandLine<T extends ParseArgsConfig>(
  config: T,
  help: string,
): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n\n${help}`);
  }
}

/** A whole number within bounds. Throws UsageError naming the flag. */
export function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most))
    throw new UsageError(`${flag} takes a whole number from ${least} to ${most}, not "${text}".`);
  return value;
}

/** One of some words. Throws UsageError naming the flag. */
export function oneOf<const T extends string>(flag: string, text: string, words: readonly T[]): T {
  const found = words.find((word) => word === text);
  if (found === undefined) throw new UsageError(`${flag} takes one of ${words.join(', ')}, not "${text}".`);
  return found;
}

/** The code of a program that a closed pipe ended, as shells tell it: 128 and the number of SIGPIPE. */
const PIPE_CLOSED = 141;

/**
 * Runs a process to its end: aborts `signal` on Ctrl-C, SIGTERM, SIGHUP and when the process that started
 * this one with a channel is gone. What `main` throws is printed, and ends with code 2 (the code of a failed
 * command, not of a result). It ends without a word when whoever read its lines has gone, as `head` does.
 */
export async function runProcess(main: (signal: AbortSignal) => Promise<number | undefined>): Promise<void> {
  const controller = new AbortController();
  const stop = () => controller.abort(new DOMException('Stopped.', 'AbortError'));
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, stop);
  if (process.connected) process.on('disconnect', stop);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(PIPE_CLOSED);
  });
  try {
    process.exitCode = (await main(controller.signal)) ?? 0;
  } catch (error) {
    if (!controller.signal.aborted) {
      const plain = error instanceof Error && error.name !== 'Error' && error.name !== 'TypeError';
      console.error(plain ? error.message : error);
      process.exitCode = 2;
    }
  }
  // Handles of libraries (timers, sockets half closed) must not keep a stopped process.
  process.exit();
}

/** Resolves when the signal fires. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
