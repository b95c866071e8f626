/** Rehearsals of what a swarm meets outside of one machine: `npm run drill -- --help`. */
import '../swarm/node20.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { oneOf, parseCommandLine, runProcess, UsageError, wholeNumber } from '../node/home/command-line.ts';
import { learningCommand } from './drill/learning/command.ts';
import { membersCommand } from './drill/members.ts';
import { type CaseResult, type NatCase, natDrill } from './drill/nat.ts';
import { runInSandbox, whyNoSandbox } from './drill/sandbox.ts';
import { soakCommand } from './drill/soak/command.ts';
import { strangerCommand } from './drill/stranger/command.ts';

const CASES: readonly NatCase[] = ['cone', 'symmetric', 'no-udp', 'newcomer'];
const HELP = `npm run drill -- nat [options]

Tabs in homes behind routers meet, and have rounds when the servers are gone. Needs Linux, root or user namespaces,
and the programs ip, nft and turnserver. The last line is {cases, direct, turn, failed}.

  --case NAME   ${CASES.join(', ')}; may repeat (default all)
  --round S     seconds of a round (default 40)
  --short       a case is over when the tabs have met
  --json        a line of JSON for each case

npm run drill -- learning --help tells of what members learn together and alone.
npm run drill -- members --help tells of many Node members on this machine.
npm run drill -- soak --help tells of memory and rounds over a long time.
npm run drill -- stranger --help tells of the way from a clone to a swarm of strangers.`;

/** A case as a line for people. */
function inWords({ case: name, failure, seconds, paths = [] }: CaseResult): string {
  if (failure !== undefined) return `${name}: ${failure}`;
  return `${name}: met after ${seconds} s; ${paths.map(({ kind, local, remote }) => `${kind}, ${local} to ${remote}`).join('; ')}`;
}

await runProcess(async (signal) => {
  const [subject, ...argv] = process.argv.slice(2);
  if (subject === 'members') return membersCommand(argv, signal);
  if (subject === 'learning') return learningCommand(argv, signal);
  if (subject === 'soak') return soakCommand(argv, signal);
  if (subject === 'stranger') return strangerCommand(argv, signal);
  const { values, positionals } = parseCommandLine(
    {
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        case: { type: 'string', multiple: true, default: [...CASES] },
        round: { type: 'string', default: '40' },
        short: { type: 'boolean', default: false },
        inside: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    },
    HELP,
  );
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  if (positionals.length !== 1 || positionals[0] !== 'nat') throw new UsageError(HELP);
  const cases = values.case.map((word) => oneOf('--case', word, CASES));
  const roundSeconds = wholeNumber('--round', values.round, 20, 600);
  if (values.inside === undefined) {
    const reason = whyNoSandbox();
    if (reason !== undefined) throw new UsageError(`The drill cannot run here: ${reason}.`);
    const folder = await mkdtemp(join(tmpdir(), 'starling-drill-'));
    try {
      const argv = [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
      return await runInSandbox({
        ...{ program: process.execPath, argv: [...argv, '--inside', folder], folder, signal },
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  // What waits for a page does not look at the signal. Everything here ends with this process.
  signal.addEventListener('abort', () => setTimeout(() => process.exit(130), 5_000));
  const summary = await natDrill({
    ...{ folder: values.inside, cases, roundSeconds, short: values.short, signal },
    say: (line) => console.error(line),
    onResult: (result) => console.log(values.json ? JSON.stringify(result) : inWords(result)),
  });
  console.log(JSON.stringify(summary));
  return summary.failed === 0 ? 0 : 1;
});
