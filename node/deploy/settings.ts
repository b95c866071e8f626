/** The command line of `npm run deploy`. */
import { resolve } from 'node:path';
import { oneOf, parseCommandLine, UsageError, wholeNumber } from '../home/command-line.ts';

export const DEPLOY_HELP = `npm run deploy -- --rpc URL --key-file FILE [options]

  --rpc URL           JSON-RPC of the chain over HTTP
  --key-file FILE     key of the account that pays, made on first use; it has no power afterwards
  --out FILE          the network file to write; what it says of relays and servers stays (default network.json)
  --public-rpc URL    the address that the page asks, where it differs from --rpc
  --page URL          where the page will lie
  --name TEXT         the network's name
  --round S           seconds of a round of the first swarm (default 120)
  --disputes public   clocks of disputes: public (days) or local (minutes) (default public)
  --yes               asks nothing, for scripts
  --dry-run           says what there is to do and what it costs, and sends nothing

The addresses are the same on every chain and for every account. Run it again after a failure: it goes on with what is missing.`;

export interface DeploySettings {
  readonly values: {
    readonly out: string;
    readonly 'public-rpc'?: string | undefined;
    readonly page?: string | undefined;
    readonly name?: string | undefined;
    readonly yes: boolean;
    readonly 'dry-run': boolean;
  };
  readonly rpc: string;
  readonly keyFile: string;
  readonly kind: 'public' | 'local';
  /** Seconds of a round. */
  readonly round: number;
  /** Path of the network file. */
  readonly out: string;
}

/** Characters of a network's name, as network files have them. */
const MOST_NAME = 80;

/**
 * Reads the command line. Everything that the network file will say is checked here, since nothing can be
 * taken back once it is paid for. Throws UsageError; undefined asks for help.
 */
export function parseDeploySettings(argv: readonly string[]): DeploySettings | undefined {
  const { values } = parseCommandLine(
    {
      args: [...argv],
      options: {
        rpc: { type: 'string' },
        'key-file': { type: 'string' },
        out: { type: 'string', default: 'network.json' },
        'public-rpc': { type: 'string' },
        page: { type: 'string' },
        name: { type: 'string' },
        round: { type: 'string', default: '120' },
        disputes: { type: 'string', default: 'public' },
        yes: { type: 'boolean', default: false },
        'dry-run': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    },
    DEPLOY_HELP,
  );
  if (values.help) return undefined;
  const { rpc, 'key-file': keyFile, name } = values;
  if (rpc === undefined || keyFile === undefined) throw new UsageError(DEPLOY_HELP);
  for (const flag of ['rpc', 'public-rpc', 'page'] as const) {
    const address = values[flag];
    if (
      address !== undefined &&
      (address.length > 400 || !URL.canParse(address) || !/^https?:/.test(address))
    )
      throw new UsageError(`--${flag} takes an address over http, not "${address.slice(0, 80)}".`);
  }
  if (name !== undefined && (name === '' || name.length > MOST_NAME))
    throw new UsageError(`--name takes a text of 1 to ${MOST_NAME} characters.`);
  return {
    ...{ values, rpc, keyFile },
    kind: oneOf('--disputes', values.disputes, ['public', 'local']),
    round: wholeNumber('--round', values.round, 5, 86_400),
    out: resolve(values.out),
  };
}
