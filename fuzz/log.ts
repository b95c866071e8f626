/** What earlier parts of a long search did, so that it goes on where it ended. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { UsageError } from '../node/home/command-line.ts';

/** One part of a target's search, as a line of the log has it. */
export interface LoggedPart {
  readonly target: string;
  readonly seed: string;
  readonly guided: boolean;
  readonly inputs: number;
  readonly accepted: number;
  readonly branches: number;
  /** Of CPU. */
  readonly seconds: number;
  /** Of CPU, for one input with its making. */
  readonly slowestMs: number;
  /** Ways in which the target failed. */
  readonly faults: number;
}

/** All parts of a target together. */
export interface Progress {
  readonly parts: number;
  readonly inputs: number;
  readonly seconds: number;
  readonly faults: number;
}

/** The lines of a log; none where there is no file. Throws UsageError for a line that is no part. */
export function readLog(path: string): readonly LoggedPart[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line, at) => {
      const part = partOf(line);
      if (part === undefined) {
        throw new UsageError(
          `Line ${at + 1} of ${path} is no part of a search: take it out, or another file.`,
        );
      }
      return part;
    });
}

function partOf(line: string): LoggedPart | undefined {
  try {
    const part = JSON.parse(line) as LoggedPart;
    const numbers = [part.inputs, part.accepted, part.branches, part.seconds, part.slowestMs, part.faults];
    return typeof part.target === 'string' && numbers.every(Number.isFinite) ? part : undefined;
  } catch {
    return undefined;
  }
}

/** Adds a part to a log. */
export function appendLog(path: string, part: LoggedPart): void {
  appendFileSync(path, `${JSON.stringify(part)}\n`);
}

/** What the log says of a target. */
export function progressOf(parts: readonly LoggedPart[], target: string): Progress {
  const own = parts.filter((part) => part.target === target);
  const sum = (of: (part: LoggedPart) => number): number => own.reduce((total, part) => total + of(part), 0);
  return {
    parts: own.length,
    inputs: sum(({ inputs }) => inputs),
    seconds: sum(({ seconds }) => seconds),
    faults: sum(({ faults }) => faults),
  };
}

/** The targets from the fastest to the slowest. Those that were never tried come first, in their order. */
export function fastestFirst<T extends { readonly name: string }>(
  targets: readonly T[],
  parts: readonly LoggedPart[],
): readonly T[] {
  const speed = ({ name }: T): number => {
    const { inputs, seconds } = progressOf(parts, name);
    return inputs === 0 ? Number.MAX_VALUE : inputs / Math.max(seconds, 1e-3);
  };
  return targets.toSorted((a, b) => speed(b) - speed(a));
}
