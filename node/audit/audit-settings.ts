/** The command line of `npm run audit`. */
import { parseCommandLine, UsageError, wholeNumber } from '../home/command-line.ts';
import { DEFAULT_MODEL } from '../home/model-folder.ts';
import { type SessionFlags, sessionChoices } from './session-flags.ts';

export const AUDIT_HELP = `npm run audit -- [options]

Watches the claims of a network, recomputes every run whose specification is published, challenges claims that differ, and plays
each dispute to its end, until it is stopped. It can be killed and started again at any moment.

  --network FILE|URL  the network (default .starling/devnet.json, or $STARLING_HOME/devnet.json)
  --home DIR          account and runs of this auditor (default .starling/auditor)
  --runs DIR|URL      where specifications and checkpoints are, besides the chain
  --engine NAME       what to recompute on: wasm or reference (default wasm)
  --threads N         threads of the wasm engine (default 1)
  --model DIR         the published model that runs may start from (default public/models/nano)
  --max-steps N       leave longer runs alone (default 10000)
  --max-bond ETH      leave claims alone whose challenge needs a larger bond (default: no limit)
  --poll MS           between two looks at the chain (default 2000)
  --once              look once, make the moves that are due, and end
  --game N            print the transcript of one game, and end
  --json              one JSON object a line

With --once it ends with 0 when every claim it could check is right, 1 when one is not, and 2 when something could not be checked.`;

export interface AuditSettings {
  readonly values: SessionFlags & { readonly once: boolean; readonly json: boolean };
  /** In wei; undefined for no limit. */
  readonly maxBond: bigint | undefined;
  /** The game whose transcript is asked for. */
  readonly game: number | undefined;
}

/** Reads the command line. `state` is the folder of state. Throws UsageError; undefined asks for help. */
export function parseAuditSettings(argv: readonly string[], state: string): AuditSettings | undefined {
  const { values } = parseCommandLine(
    {
      args: [...argv],
      options: {
        network: { type: 'string', default: `${state}/devnet.json` },
        home: { type: 'string', default: `${state}/auditor` },
        runs: { type: 'string' },
        engine: { type: 'string', default: 'wasm' },
        threads: { type: 'string', default: '1' },
        model: { type: 'string', default: DEFAULT_MODEL },
        'max-steps': { type: 'string', default: '10000' },
        'max-bond': { type: 'string' },
        poll: { type: 'string', default: '2000' },
        once: { type: 'boolean', default: false },
        game: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    },
    AUDIT_HELP,
  );
  if (values.help) return undefined;
  sessionChoices(values);
  const { 'max-bond': bond, game } = values;
  return {
    values,
    maxBond: bond === undefined ? undefined : etherOf('--max-bond', bond),
    game: game === undefined ? undefined : wholeNumber('--game', game, 0, Number.MAX_SAFE_INTEGER),
  };
}

/** Wei of a decimal number of ETH. Throws UsageError naming the flag. */
function etherOf(flag: string, text: string): bigint {
  const [, whole, part = ''] = /^(\d{1,9})(?:\.(\d{1,18}))?$/.exec(text) ?? [];
  if (whole === undefined) throw new UsageError(`${flag} takes an amount of ETH such as 0.5, not "${text}".`);
  return BigInt(whole) * 10n ** 18n + BigInt(part.padEnd(18, '0'));
}
