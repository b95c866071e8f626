import { parseCommandLine, UsageError, wholeNumber } from '../../node/home/command-line.ts';

export const HELP = `npm run chaos -- [options]

Members in processes of their own and in tabs of Chromium on this machine, with real connections, gossip and rounds, and
a scripted trainer. Honest ones are killed and opened again, relays stop and come back, the network splits and heals, and hostile ones send
garbage, replay, flood, steal, contradict themselves and lie. The last line is {members, hostile, roundsFinished,
roundsLost, cheatsCut}. Exits with 1 where a finished round is lost, honest votes differ, a member uses more than its
budget, or a kind of cheat is not cut off.

  --minutes M   1 to 240 (default 15)
  --members N   4 to 50 (default 12)
  --hostile H   how many of them are hostile (default 30 %)
  --tabs N      how many of the honest ones are tabs, 0 to all (default 4, at most half of them)
  --round S     seconds of a round, 15 to 600 (default 30)
  --seed TEXT   what the troubles are drawn from (default "1")
  --simulated   the same on simulated time and streams, in this process: without relays, and decided by the seed
  --json        the figures as JSON, without what happens on the way`;

/** Tabs of a drill that does not name their number. */
const MOST_TABS = 4;

export interface ChaosCommandLine {
  readonly minutes: number;
  readonly members: number;
  readonly hostile: number;
  readonly tabs: number;
  readonly roundSeconds: number;
  readonly seed: string;
  readonly simulated: boolean;
  readonly json: boolean;
}

/** Reads the command line. Throws UsageError; undefined asks for help. */
export function parseChaosCommandLine(argv: readonly string[]): ChaosCommandLine | undefined {
  const { values } = parseCommandLine(
    {
      args: [...argv],
      options: {
        minutes: { type: 'string', default: '15' },
        members: { type: 'string', default: '12' },
        hostile: { type: 'string' },
        tabs: { type: 'string' },
        round: { type: 'string', default: '30' },
        seed: { type: 'string', default: '1' },
        simulated: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    },
    HELP,
  );
  if (values.help) return undefined;
  const members = wholeNumber('--members', values.members, 4, 50);
  const hostile =
    values.hostile === undefined
      ? Math.round(0.3 * members)
      : wholeNumber('--hostile', values.hostile, 0, members - 2);
  const honest = members - hostile;
  const tabs =
    values.tabs === undefined
      ? Math.min(MOST_TABS, Math.floor(honest / 2))
      : wholeNumber('--tabs', values.tabs, 0, honest);
  if (values.seed.length === 0) throw new UsageError('--seed is a text of at least one character.');
  return {
    ...{ members, hostile, tabs, seed: values.seed, simulated: values.simulated, json: values.json },
    minutes: wholeNumber('--minutes', values.minutes, 1, 240),
    roundSeconds: wholeNumber('--round', values.round, 15, 600),
  };
}
