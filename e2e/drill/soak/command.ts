import { parseCommandLine, wholeNumber } from '../../../node/home/command-line.ts';
import { type MemorySample, mebibytes } from './member-memory.ts';
import { soak } from './soak.ts';

const SOAK_HELP = `npm run drill -- soak [options]

A local network with volunteers and tabs has rounds for a long time. Memory is measured after garbage was collected, at
each tenth of the time or every ten minutes. The last line is
{rounds, missed, heapStartMiB, heapEndMiB, rssEndMiB, errors}: the start is the first measurement.

  --minutes N      1 to 1440 (default 30)
  --volunteers N   members without a page, 1 to 16 (default 2)
  --tabs N         members with a page, in one browser, 1 to 4 (default 1)
  --round S        seconds of a round, 10 to 600 (default 30)
  --json           a line of JSON for each measurement`;

/** The most that may be held at the end, as a part of what was held at the first measurement. */
const MOST_GROWTH = 1.15;

/** Reads the command line, has the rounds, and prints what came out. Resolves with the exit code. */
export async function soakCommand(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const { values } = parseCommandLine(
    {
      args: [...argv],
      options: {
        minutes: { type: 'string', default: '30' },
        volunteers: { type: 'string', default: '2' },
        tabs: { type: 'string', default: '1' },
        round: { type: 'string', default: '30' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    },
    SOAK_HELP,
  );
  if (values.help) {
    console.log(SOAK_HELP);
    return 0;
  }
  const summary = await soak({
    minutes: wholeNumber('--minutes', values.minutes, 1, 1440),
    volunteers: wholeNumber('--volunteers', values.volunteers, 1, 16),
    tabs: wholeNumber('--tabs', values.tabs, 1, 4),
    roundSeconds: wholeNumber('--round', values.round, 10, 600),
    onSample: (sample) => console.log(values.json ? JSON.stringify(sample) : inWords(sample)),
    say: (line) => console.error(line),
    signal,
  });
  console.log(JSON.stringify(summary));
  const { missed, errors, heapStartMiB, heapEndMiB } = summary;
  return missed === 0 && errors === 0 && heapEndMiB <= MOST_GROWTH * heapStartMiB ? 0 : 1;
}

function inWords({ minute, members, heapMiB, rssMiB }: MemorySample): string {
  const each = members.map(
    ({ name, heapBytes, residentBytes }) => `${name} ${mebibytes(heapBytes)}/${mebibytes(residentBytes)}`,
  );
  return `minute ${minute}: heap/resident MiB ${heapMiB}/${rssMiB} (${each.join(', ')})`;
}
