/** The command line of `npm run replay`. */
import { oneOf, parseCommandLine, UsageError, wholeNumber } from '../home/command-line.ts';

export const REPLAY_HELP = `npm run replay -- <attestation> [options]
npm run replay -- --swarm SWARM [options]

Recomputes one device's round from what was published and says "same bits", or the first round and tensor that differ.
The attestation is <device>:<round> ("last" for the round, a unique beginning of the address will do) or a record file.

With --swarm it computes a swarm's run in blocks on this device, and compares it with all that members attested on the chain. Nothing that
they published is needed. SWARM is its number or its link.

  --archive DIR    where published rounds are (default .starling/archive)
  --network FILE   to look the attestation up on the chain (default .starling/devnet.json, where it is there)
  --steps N        with --swarm: most steps that are computed (default 1000)
  --engine NAME    what to recompute on: wasm or reference (default wasm)
  --threads N      threads of the wasm engine (default 1)
  --model DIR      the model that the device began with (default public/models/nano; with --swarm, what the swarm names)
  --data DIR       where the files of the swarm's data sets are (default .starling/data)
  --ask            has a running network's archive fetch a checkpoint that is not kept, and waits for it (2 minutes at most)
  --state FILE     a checkpoint that the archive does not keep, such as one of a volunteer's kept/ folder
  --list           say what is archived

Ends with 0 for the same bits, 1 when something differs or a root is of none of the steps, 2 when it cannot be replayed.`;

export interface ReplaySettings {
  readonly values: {
    readonly archive: string;
    readonly network?: string | undefined;
    readonly model?: string | undefined;
    readonly data?: string | undefined;
    readonly ask: boolean;
    readonly state?: string | undefined;
  };
  readonly engine: 'wasm' | 'reference';
  readonly threads: number;
  /** The archive's content is asked for, or one attestation in it, or a swarm whose run is computed. */
  readonly meant:
    | { readonly kind: 'list' }
    | { readonly kind: 'attestation'; readonly name: string }
    | { readonly kind: 'run'; readonly swarm: string; readonly steps: number };
}

/** Reads the command line. `state` is the folder of state. Throws UsageError; undefined asks for help. */
export function parseReplaySettings(argv: readonly string[], state: string): ReplaySettings | undefined {
  const { values, positionals } = parseCommandLine(
    {
      args: [...argv],
      allowPositionals: true,
      options: {
        archive: { type: 'string', default: `${state}/archive` },
        network: { type: 'string' },
        engine: { type: 'string', default: 'wasm' },
        threads: { type: 'string', default: '1' },
        swarm: { type: 'string' },
        steps: { type: 'string', default: '1000' },
        model: { type: 'string' },
        data: { type: 'string' },
        ask: { type: 'boolean', default: false },
        state: { type: 'string' },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    },
    REPLAY_HELP,
  );
  if (values.help) return undefined;
  const meant = whatIsMeant(values, positionals);
  if (meant === undefined) throw new UsageError(REPLAY_HELP);
  return {
    values,
    engine: oneOf('--engine', values.engine, ['wasm', 'reference']),
    threads: wholeNumber('--threads', values.threads, 1, 64),
    meant,
  };
}

function whatIsMeant(
  values: { readonly list: boolean; readonly swarm?: string | undefined; readonly steps: string },
  positionals: readonly string[],
): ReplaySettings['meant'] | undefined {
  const [name, ...more] = positionals;
  if (values.list) return { kind: 'list' };
  if (values.swarm !== undefined) {
    const steps = wholeNumber('--steps', values.steps, 1, 10_000_000);
    return name === undefined ? { kind: 'run', swarm: values.swarm, steps } : undefined;
  }
  return name === undefined || more.length > 0 ? undefined : { kind: 'attestation', name };
}
