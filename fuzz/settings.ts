import { parseCommandLine, wholeNumber } from '../node/home/command-line.ts';

export const HELP = `npm run fuzz -- [TARGET ...] [options]

  TARGET          a target or a room, such as swarm/message or swarm; may repeat (default all)
  --list          names the targets and what must hold of each
  --inputs N      inputs for each target (default 1000000)
  --seconds S     the most seconds of CPU for each target (default 120)
  --seed TEXT     what the inputs follow from (default 1)
  --unguided      does not count branches: faster, and the same inputs on every machine
  --keep          puts the smallest inputs that reach far into fuzz/corpus
  --log FILE      goes on where the search in FILE ended, in parts of --seconds, the fastest target first,
                  until each has its inputs or a fault; adds a line of JSON a part
  --json          a line of JSON a target

Exit code 1 where there is a fault; its input lies in .starling/fuzz, and belongs into fuzz/corpus once it is mended.`;

export interface FuzzSettings {
  readonly names: readonly string[];
  readonly list: boolean;
  readonly inputs: number;
  readonly seconds: number;
  readonly seed: string;
  readonly guided: boolean;
  readonly keep: boolean;
  readonly json: boolean;
  /** Where a long search keeps what it did. */
  readonly log: string | undefined;
}

/** Reads the command line. Throws UsageError; undefined asks for help. */
export function parseFuzzSettings(argv: readonly string[]): FuzzSettings | undefined {
  const { values, positionals } = parseCommandLine(
    {
      args: [...argv],
      allowPositionals: true,
      options: {
        list: { type: 'boolean', default: false },
        inputs: { type: 'string', default: '1000000' },
        seconds: { type: 'string', default: '120' },
        seed: { type: 'string', default: '1' },
        unguided: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        log: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    },
    HELP,
  );
  if (values.help) return undefined;
  return {
    names: positionals,
    list: values.list,
    inputs: wholeNumber('--inputs', values.inputs, 1, 1e9),
    seconds: wholeNumber('--seconds', values.seconds, 1, 1e6),
    seed: values.seed,
    guided: !values.unguided,
    keep: values.keep,
    json: values.json,
    log: values.log,
  };
}
