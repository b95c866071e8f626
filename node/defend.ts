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
import { type DisputeSession, openDisputeSession, printer } from './audit/dispute-session.ts';
import { aborted, parseCommandLine, runProcess, UsageError } from './home/command-line.ts';
import { lockFolder } from './home/folder-lock.ts';
import { DEFAULT_MODEL } from './home/model-folder.ts';

const HELP = `npm run defend -- [options]

Answers every challenge to the claims of this account, ends games whose challenger is silent, and takes the bonds back, until it
is stopped. It can be killed and started again at any moment.

  --network FILE|URL  the network (default .starling/devnet.json, or $STARLING_HOME/devnet.json)
  --home DIR          account and runs of this claimant (default .starling/claimant)
  --claim FILE        do the run of this specification, publish the specification and claim the result, once
  --runs DIR|URL      where specifications and checkpoints are, besides the chain
  --engine NAME       what to compute on: wasm or reference (default wasm)
  --threads N         threads of the wasm engine (default 1)
  --model DIR         the published model that runs may start from (default public/models/nano)
  --max-steps N       refuse longer runs (default 10000)
  --poll MS           between two looks at the chain (default 2000)
  --once              look once, make the moves that are due, and end
  --json              one JSON object a line`;

await runProcess(async (signal) => {
  const state = process.env.STARLING_HOME ?? '.starling';
  const { values } = parseCommandLine(
    {
      options: {
        network: { type: 'string', default: `${state}/devnet.json` },
        home: { type: 'string', default: `${state}/claimant` },
        claim: { type: 'string' },
        runs: { type: 'string' },
        engine: { type: 'string', default: 'wasm' },
        threads: { type: 'string', default: '1' },
        model: { type: 'string', default: DEFAULT_MODEL },
        'max-steps': { type: 'string', default: '10000' },
        poll: { type: 'string', default: '2000' },
        once: { type: 'boolean', default: false },
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
