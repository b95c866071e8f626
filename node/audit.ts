/** `npm run audit`: recomputes claims about training and disputes those that are wrong. */
import '../swarm/node20.ts';
import { PlanSearch } from '../audit/plan-search.ts';
import { Auditor } from '../chain/disputes/agents/auditor.ts';
import type { DisputeEvent } from '../chain/disputes/agents/dispute-event.ts';
import { OnchainReader } from '../chain/disputes/onchain/reader.ts';
import { formatTranscript } from '../chain/disputes/transcript/format-transcript.ts';
import { transcriptOf } from '../chain/disputes/transcript/transcript.ts';
import { AUDIT_HELP, parseAuditSettings } from './audit/audit-settings.ts';
import { openDisputeSession, openDisputes, printer } from './audit/dispute-session.ts';
import { PlanThreads } from './audit/plan-thread.ts';
import { findPlan } from './audit/run-evidence.ts';
import { aborted, runProcess, UsageError } from './home/command-line.ts';
import { lockFolder } from './home/folder-lock.ts';

await runProcess(async (signal) => {
  const settings = parseAuditSettings(process.argv.slice(2), process.env.STARLING_HOME ?? '.starling');
  if (settings === undefined) {
    console.log(AUDIT_HELP);
    return 0;
  }
  const { values, maxBond, game } = settings;
  if (game !== undefined) {
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
