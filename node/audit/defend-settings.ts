/** The command line of `npm run defend`. */
import { parseCommandLine } from '../home/command-line.ts';
import { DEFAULT_MODEL } from '../home/model-folder.ts';
import { type SessionFlags, sessionChoices } from './session-flags.ts';

export const DEFEND_HELP = `npm run defend -- [options]

Answers every challenge to the claims of this account, ends games whose challenger is silent, and takes the bonds back, until it
is stopped. It can be killed and started again at any moment.

  --network FILE|URL  the network (default .starling/devnet.json, or $STARLING_HOME/devnet.json)
  --home DIR          account and runs of this claimant (default .starling/claimant)
  --claim FILE        do the run of this specification, publish the specification and claim the result, once
  --runs DIR|URL      where specifications and checkpoints are, besides the chain
  --engine NAME       what to compute on: wasm or reference (default wasm)
  --threads N         threads of the wasm engine (default 1)
  --model DIR         the published model that runs may start from (default public/models/nano)
  --max-steps N       refuse longer runs (default 10000)
  --poll MS           between two looks at the chain (default 2000)
  --once              look once, make the moves that are due, and end
  --json              one JSON object a line`;

export interface DefendSettings extends SessionFlags {
  /** The specification whose run is done and claimed first. */
  readonly claim?: string | undefined;
  readonly once: boolean;
  readonly json: boolean;
}

/** Reads the command line. `state` is the folder of state. Throws UsageError; undefined asks for help. */
export function parseDefendSettings(argv: readonly string[], state: string): DefendSettings | undefined {
  const { values } = parseCommandLine(
    {
      args: [...argv],
      options: {
        network: { type: 'string', default: `${state}/devnet.json` },
        home: { type: 'string', default: `${state}/claimant` },
        claim: { type: 'string' },
        runs: { type: 'string' },
        engine: { type: 'string', default: 'wasm' },
        threads: { type: 'string', default: '1' },
        model: { type: 'string', default: DEFAULT_MODEL },
        'max-steps': { type: 'string', default: '10000' },
        poll: { type: 'string', default: '2000' },
        once: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    },
    DEFEND_HELP,
  );
  if (values.help) return undefined;
  sessionChoices(values);
  return values;
}
