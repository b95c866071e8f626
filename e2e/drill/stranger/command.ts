import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseCommandLine, UsageError, wholeNumber } from '../../../node/home/command-line.ts';
import { messageOf } from '../../../protocol/message-of.ts';
import { run } from '../run.ts';
import { runInSandbox, whyNoSandbox } from '../sandbox.ts';
import { Checkout } from './checkout.ts';
import { type JourneyResult, journey } from './journey.ts';
import { type Stage, Stages } from './stages.ts';

const STRANGER_HELP = `npm run drill -- stranger [options]

Goes the way of a team that has only a link to this repository: a clone, npm ci, the build, the contracts on a chain
without known accounts, the services, a plain static host, and browsers behind routers of their own that join by link.
Packages come from npm's cache where it has them. Needs what the drill nat needs. The last line is
{members, attestations, connected, seconds, failure}: seconds after the build, and null as failure where all went well.
Firefox takes part where it is installed, or where $FIREFOX names it.

  --checkout DIR   goes on with a built clone of an earlier run (default: a fresh one, which is removed)
  --round S        seconds of a round of the swarm, 20 to 600 (default 60)
  --json           a line of JSON for each stage`;

const root = fileURLToPath(new URL('../../..', import.meta.url));
const program = fileURLToPath(new URL('../../drill.ts', import.meta.url));

/** Reads the command line, goes the way, and prints what came out. Resolves with the exit code. */
export async function strangerCommand(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const { values } = parseCommandLine(
    {
      args: [...argv],
      options: {
        json: { type: 'boolean', default: false },
        checkout: { type: 'string' },
        round: { type: 'string', default: '60' },
        inside: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    },
    STRANGER_HELP,
  );
  if (values.help) {
    console.log(STRANGER_HELP);
    return 0;
  }
  const roundSeconds = wholeNumber('--round', values.round, 20, 600);
  const stages = new Stages({
    report: (stage) => console.log(values.json ? JSON.stringify(stage) : inWords(stage)),
    signal,
  });
  if (values.inside !== undefined && values.checkout !== undefined) {
    // What waits for a page does not look at the signal. Everything here ends with this process.
    signal.addEventListener('abort', () => setTimeout(() => process.exit(130), 5_000));
    const { inside: folder, checkout } = values;
    return summarize(() => journey({ ...{ checkout, folder, roundSeconds, stages, signal } }));
  }
  const reason = whyNoSandbox();
  if (reason !== undefined) throw new UsageError(`The drill cannot run here: ${reason}.`);
  const folder = await mkdtemp(join(tmpdir(), 'starling-stranger-'));
  try {
    const checkout =
      values.checkout === undefined ? await build(folder, stages, signal) : resolve(values.checkout);
    const inner = [...process.execArgv, program, 'stranger', '--checkout', checkout, '--inside', folder];
    const json = values.json ? ['--json'] : [];
    return await runInSandbox({
      ...{ program: process.execPath, argv: [...inner, '--round', values.round, ...json], folder, signal },
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Makes a clone in a folder with a space in its name, and builds it. Resolves with its path. */
async function build(folder: string, stages: Stages, signal: AbortSignal): Promise<string> {
  const parent = join(folder, 'of a stranger');
  const path = join(parent, 'starling');
  await mkdir(parent);
  await stages.run(
    'clone',
    async () => {
      await run('git', ['clone', '--quiet', root, path]);
      return run('git', ['-C', path, 'log', '-1', '--format=%h']);
    },
    (commit) => `of ${commit.trim()}, in a folder with a space in its name`,
  );
  const checkout = new Checkout(path, signal);
  await stages.run(
    'install',
    () => checkout.run(['npm', 'ci', '--prefer-offline', '--no-audit', '--no-fund']),
    (text) => `${/^added \d+ packages/m.exec(text)?.[0] ?? 'done'}, from npm's cache where it has them`,
  );
  await stages.run('build', () => checkout.run(['npm', 'run', 'build']));
  return path;
}

/** Prints what it came to as the last line. Resolves with the exit code. */
async function summarize(act: () => Promise<JourneyResult>): Promise<number> {
  const begun = performance.now();
  const nothing = { members: [], attestations: 0, connected: [] };
  const result = await act().then(
    (value) => ({ ...value, failure: null }),
    (error: unknown) => ({ ...nothing, failure: messageOf(error) }),
  );
  const { failure, ...rest } = result;
  const seconds = Math.round((performance.now() - begun) / 1000);
  console.log(JSON.stringify({ ...rest, seconds, failure }));
  return failure === null ? 0 : 1;
}

function inWords({ stage, seconds, detail, skipped }: Stage): string {
  return skipped === undefined
    ? `${stage}: ${seconds} s, ${detail}`
    : `${stage}: skipped, because ${skipped}`;
}
