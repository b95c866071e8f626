/** `npm run audit`: recomputes claims about training and disputes those that are wrong. */
import '../swarm/node20.ts';
import { PlanSearch } from '../audit/plan-search.ts';
import { Auditor } from '../chain/disputes/agents/auditor.ts';
import type { DisputeEvent } from '../chain/disputes/agents/dispute-event.ts';
import { OnchainReader } from '../chain/disputes/onchain/reader.ts';
import { formatTranscript } from '../chain/disputes/transcript/format-transcript.ts';
import { transcriptOf } from '../chain/disputes/transcript/transcript.ts';
import { openDisputeSession, openDisputes, printer } from './audit/dispute-session.ts';
import { PlanThreads } from './audit/plan-thread.ts';
import { findPlan } from './audit/run-evidence.ts';
import { aborted, parseCommandLine, runProcess, UsageError, wholeNumber } from './home/command-line.ts';
import { lockFolder } from './home/folder-lock.ts';
import { DEFAULT_MODEL } from './home/model-folder.ts';

const HELP = `npm run audit -- [options]

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

await runProcess(async (signal) => {
  const state = process.env.STARLING_HOME ?? '.starling';
  const { values } = parseCommandLine(
    {
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
    HELP,
  );
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const maxBond = values['max-bond'] === undefined ? undefined : etherOf('--max-bond', values['max-bond']);
  if (values.game !== undefined) {
    const game = wholeNumber('--game', values.game, 0, Number.MAX_SAFE_INTEGER);
    for (const line of await transcriptLines(game, values, signal)) console.log(line);
    return 0;
  }
  await lockFolder(values.home);
  const { port, runs, pollMs, stakes } = await openDisputeSession(values, signal, (line) =>
    console.error(line),
  );
  const seen: DisputeEvent[] = [];
  const print = printer(values.json);
  const onEvent = (event: DisputeEvent): void => {
    if (values.once) seen.push(event);
    print(event);
  };
  const auditor = new Auditor({ port, runs, stakes, onEvent, pollMs, maxBond });
  if (!values.once) {
    auditor.start();
    await aborted(signal);
    await auditor.stop();
    return 0;
  }
  await auditor.tick(signal);
  const some = (...kinds: readonly DisputeEvent['kind'][]): boolean =>
    seen.some(({ kind }) => kinds.includes(kind));
  if (some('differs')) return 1;
  return some('trouble', 'unknown-terms') ? 2 : 0;
});

/**
 * A game's transcript, in sentences or as one line of JSON. Throws UsageError if its run is not described.
 */
async function transcriptLines(
  game: number,
  flags: { readonly network: string; readonly runs?: string | undefined; readonly json: boolean },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { client, rollup, sources } = await openDisputes(flags, signal);
  const view = await new OnchainReader({ client, address: rollup.disputes }).look(game);
  const planners = new PlanThreads();
  const search = new PlanSearch({
    plan: planners.plan,
    maxSteps: Number.POSITIVE_INFINITY,
    now: () => performance.now(),
  });
  const plan = await findPlan(search, sources, view.claim.terms, { signal }).finally(() => planners.stop());
  if (plan === undefined) {
    throw new UsageError('No specification of this game’s run is known here. Name a folder with --runs.');
  }
  const transcript = transcriptOf(view, plan);
  return flags.json ? [JSON.stringify(transcript)] : formatTranscript(transcript);
}

/** Wei of a decimal number of ETH. Throws UsageError naming the flag. */
function etherOf(flag: string, text: string): bigint {
  const [, whole, part = ''] = /^(\d{1,9})(?:\.(\d{1,18}))?$/.exec(text) ?? [];
  if (whole === undefined) throw new UsageError(`${flag} takes an amount of ETH such as 0.5, not "${text}".`);
  return BigInt(whole) * 10n ** 18n + BigInt(part.padEnd(18, '0'));
}
