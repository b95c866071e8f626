import { oneOf, wholeNumber } from '../home/command-line.ts';

/** Values of the flags that `npm run audit` and `npm run defend` both have. */
export interface SessionFlags {
  readonly network: string;
  readonly home: string;
  readonly runs?: string | undefined;
  readonly engine: string;
  readonly threads: string;
  readonly model: string;
  readonly 'max-steps': string;
  readonly poll: string;
}

/** What some of the flags mean. */
export interface SessionChoices {
  readonly choice: 'wasm' | 'reference';
  readonly threads: number;
  /** Steps of the longest run. */
  readonly maxSteps: number;
  /** Milliseconds between two looks at the chain. */
  readonly pollMs: number;
}

/** Throws UsageError, naming the flag, for one that is out of bounds. */
export function sessionChoices(flags: SessionFlags): SessionChoices {
  return {
    choice: oneOf('--engine', flags.engine, ['wasm', 'reference']),
    threads: wholeNumber('--threads', flags.threads, 1, 64),
    maxSteps: wholeNumber('--max-steps', flags['max-steps'], 1, 65_536),
    pollMs: wholeNumber('--poll', flags.poll, 50, 600_000),
  };
}
