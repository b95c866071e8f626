import { parseCommandLine, wholeNumber } from '../../../node/home/command-line.ts';
import { learningDrill } from './learning.ts';

const LEARNING_HELP = `npm run drill -- learning [options]

What members of a swarm learn together, against the same members alone, in the product itself: a local network, members
in processes of their own, rounds by the chain's clock, all with the settings of the default swarm at the rate of
docs/results/sapo.md, from a model that is right once in a hundred answers. The last line is {members, rounds, missed,
failures, together, alone, gain, gainAtHalf, heldOutTogether, heldOutAlone, foreign}.

  --members N   members of the swarm, 2 to 24 (default 8)
  --alone N     members that have a swarm for themselves, 1 to 8 (default 4)
  --rounds R    rounds that count, 1 to 500 (default 60)
  --round S     seconds of a round, 5 to 600 (default 20)
  --json        what happens on the way goes to the error output`;

/** Reads the command line, has the rounds, and prints what came out. Resolves with the exit code. */
export async function learningCommand(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const { values } = parseCommandLine(
    {
      args: [...argv],
      options: {
        members: { type: 'string', default: '8' },
        alone: { type: 'string', default: '4' },
        rounds: { type: 'string', default: '60' },
        round: { type: 'string', default: '20' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    },
    LEARNING_HELP,
  );
  if (values.help) {
    console.log(LEARNING_HELP);
    return 0;
  }
  const rounds = wholeNumber('--rounds', values.rounds, 1, 500);
  const summary = await learningDrill({
    members: wholeNumber('--members', values.members, 2, 24),
    alone: wholeNumber('--alone', values.alone, 1, 8),
    rounds,
    roundSeconds: wholeNumber('--round', values.round, 5, 600),
    say: values.json ? (line) => console.error(line) : (line) => console.log(line),
    signal,
  });
  console.log(JSON.stringify(summary));
  return summary.rounds === rounds && summary.failures === 0 ? 0 : 1;
}
