/** The command line of `npm run swarm`. */
import { parseCommandLine, UsageError, wholeNumber } from '../home/command-line.ts';

export const SWARM_HELP = `npm run swarm -- COMMAND [options]

  create SPEC.json     opens a swarm with one transaction; asks nothing, but --dry-run only tells the price.
                       Says also why a member with this program would be refused, where that is so
  describe --model DIR the "base" of a specification for a model's folder: its files with hashes and manifests,
                       by which members pass them on; --url URL names a folder that has them too
  list                 the newest swarms of the network
  show ID|LINK         one swarm with its specification, and what its rounds took here beside what was predicted
  drill --model DIR    rounds of members in this process that train adapters beside a real model;
                       seconds and memory of each stage (--members, --rounds, --items, --samples, --tokens, --threads)
  leave ID|LINK        ends this device's part: what it downloaded is deleted, its own checkpoint stays

  --network FILE|URL   the network (default .starling/devnet.json, or $STARLING_HOME/devnet.json)
  --key-file FILE      create: key of the account that opens and pays, made on first use; on a local network
                       the node gives it coin (default .starling/swarm-account.key)
  --dry-run            create: tells gas and price, and sends nothing
  --most N             list: how many at most (default 25)
  --home DIR           show, leave: folder of the volunteer (default .starling/volunteer)
  --json               one JSON value, for programs

A specification is described in docs/swarms.md. In a file, startedBy may be left out: it is the account of the key file; so may
startedAt: it is now.`;

const COMMANDS = ['create', 'describe', 'list', 'show', 'leave', 'drill'] as const;

/** Reads the command line. `state` is the folder of state. Throws UsageError; undefined asks for help. */
export function parseSwarmSettings(argv: readonly string[], state: string) {
  const { values, positionals } = parseCommandLine(
    {
      args: [...argv],
      allowPositionals: true,
      options: {
        network: { type: 'string', default: `${state}/devnet.json` },
        'key-file': { type: 'string', default: `${state}/swarm-account.key` },
        'dry-run': { type: 'boolean', default: false },
        most: { type: 'string', default: '25' },
        home: { type: 'string', default: `${state}/volunteer` },
        model: { type: 'string' },
        url: { type: 'string' },
        members: { type: 'string', default: '2' },
        rounds: { type: 'string', default: '2' },
        items: { type: 'string', default: '4' },
        samples: { type: 'string', default: '4' },
        tokens: { type: 'string', default: '64' },
        threads: { type: 'string', default: '2' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    },
    SWARM_HELP,
  );
  if (values.help) return undefined;
  const [first = '', name] = positionals;
  const command = COMMANDS.find((word) => word === first);
  if (command === undefined) {
    throw new UsageError(`Name a command: create, describe, list, show, leave or drill.\n\n${SWARM_HELP}`);
  }
  return {
    ...{ values, command, name },
    most: wholeNumber('--most', values.most, 1, 500),
    drill: {
      members: wholeNumber('--members', values.members, 1, 16),
      rounds: wholeNumber('--rounds', values.rounds, 1, 100),
      items: wholeNumber('--items', values.items, 1, 64),
      samples: wholeNumber('--samples', values.samples, 1, 64),
      tokens: wholeNumber('--tokens', values.tokens, 1, 4096),
      threads: wholeNumber('--threads', values.threads, 1, 64),
    },
  };
}
