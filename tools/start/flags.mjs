import { parseArgs } from 'node:util';
import { UserError } from '../command.mjs';

export const HELP = `npm start -- [options]

Starts a whole Starling network on this machine: a relay, a local chain with the contracts deployed, a process
that posts attestations, an archive, and the page. Ctrl-C stops everything.

  --volunteers N   also start N volunteers without a page (default 0)
  --round S        seconds in a round (default 20)
  --port P         first port to try for the page (default 5173)
  --dev            serve the page from its sources, with hot reload; npm run dev does this
  --no-build       use what was built before
  --help           this text

State lives in .starling/ (or $STARLING_HOME): the network's addresses in devnet.json, volunteers' keys and checkpoints.`;

/**
 * Reads the command line of `npm start`. Throws UserError on a flag that is unknown or out of range.
 *
 * @param {readonly string[]} argv
 */
export function parseFlags(argv) {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...argv],
      allowPositionals: false,
      options: {
        volunteers: { type: 'string', default: '0' },
        round: { type: 'string', default: '20' },
        port: { type: 'string', default: '5173' },
        dev: { type: 'boolean', default: false },
        'no-build': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    throw new UserError(`${error.message}\n\n${HELP}`);
  }
  return {
    help: values.help,
    build: !values['no-build'],
    dev: values.dev,
    volunteers: whole('--volunteers', values.volunteers, 0, 64),
    roundSeconds: whole('--round', values.round, 5, 3600),
    port: whole('--port', values.port, 1, 65535),
  };
}

function whole(flag, text, least, most) {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most))
    throw new UserError(`${flag} takes a whole number from ${least} to ${most}, not "${text}".`);
  return value;
}
