/**
 * `npm run defend`: answers the challenges to an account's claims; with --claim it does a run and claims it
 * first.
 */
import '../swarm/node20.ts';
import { readFile } from 'node:fs/promises';
import { planRun } from '../audit/run-plan.ts';
import { decodeRunSpec, encodeRunSpec } from '../audit/run-spec.ts';
import { digestOfDescription, findDescriptions, publishDescription } from '../chain/descriptions.ts';
import { type ClaimOnceOptions, claimOnce } from '../chain/disputes/agents/claim-once.ts';
import { Defender } from '../chain/disputes/agents/defender.ts';
import { messageOf } from '../protocol/message-of.ts';
import { termsHash } from '../protocol/slot-encoding.ts';
import { DEFEND_HELP, parseDefendSettings } from './audit/defend-settings.ts';
import { type DisputeSession, openDisputeSession, printer } from './audit/dispute-session.ts';
import { aborted, runProcess, UsageError } from './home/command-line.ts';
import { lockFolder } from './home/folder-lock.ts';

await runProcess(async (signal) => {
  const values = parseDefendSettings(process.argv.slice(2), process.env.STARLING_HOME ?? '.starling');
  if (values === undefined) {
    console.log(DEFEND_HELP);
    return 0;
  }
  const log = (line: string): void => console.error(line);
  await lockFolder(values.home);
  const session = await openDisputeSession(values, signal, log);
  const { port, runs, recorder, pollMs } = session;
  if (values.claim !== undefined) log(await claim(session, values.claim, signal));
  const defender = new Defender({ port, runs, recorder, pollMs, onEvent: printer(values.json) });
  if (values.once) {
    await defender.tick(signal);
    return 0;
  }
  defender.start();
  await aborted(signal);
  await defender.stop();
  return 0;
});

/**
 * Publishes a specification, does its run and claims it. Nothing that is on the chain already is done again.
 */
async function claim(session: DisputeSession, file: string, signal: AbortSignal): Promise<string> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw new UsageError(`${file} cannot be read: ${messageOf(error)}`);
  });
  const spec = decodeRunSpec(new Uint8Array(bytes));
  const run = termsHash(planRun(spec).terms);
  const { queue, descriptions, port, runs, recorder } = session;
  const { client } = queue;
  const description = encodeRunSpec(spec);
  // The specification is published before the claim: nobody should rely on a claim that nobody can check.
  // Others may have published anything under its terms, so only this very specification counts.
  const digests = [digestOfDescription(description)];
  if ((await findDescriptions({ client, descriptions, run, digests })).length === 0) {
    await publishDescription({ queue, descriptions, run, description });
  }
  const found = await runs.get(run, { signal });
  if (found === undefined)
    throw new UsageError('The specification was published but the node does not show it yet. Try again.');
  const commit: ClaimOnceOptions['commit'] = (terms, root) => recorder.commit(terms, root);
  const played = await claimOnce(port, found, { signal, commit });
  if (played.kind === 'refused') throw new UsageError(`The claim was refused (${played.reason}).`);
  if (played.kind === 'unknown')
    throw new UsageError('The claim is not in a block yet. Start again to see it through.');
  return `Claim ${played.id}: the run ${run} is claimed.`;
}
