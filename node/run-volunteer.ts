/** `npm run volunteer`: a volunteer without a page, until it is told to stop. */
import '../swarm/node20.ts';
import { sleep } from '../chain/sleep.ts';
import type { Network } from '../protocol/network-file.ts';
import type { BlockSessionView, StepShares } from '../swarm/pipeline/block-session-view.ts';
import type { StateEvent } from '../swarm/pipeline/state-attestations.ts';
import { aborted, runProcess } from './home/command-line.ts';
import { readNetworkFile } from './home/network-file.ts';
import { nextNetwork } from './home/next-network.ts';
import { networkOfSwarm } from './swarms/find-swarm.ts';
import { startVolunteer, type VolunteerOptions } from './volunteer.ts';
import type { VolunteerEvent } from './volunteer-event.ts';
import { parseVolunteerSettings, VOLUNTEER_HELP } from './volunteer-settings.ts';

await runProcess(async (signal) => {
  const settings = parseVolunteerSettings(process.argv.slice(2), process.env.STARLING_HOME ?? '.starling');
  if (settings === undefined) {
    console.log(VOLUNTEER_HELP);
    return 0;
  }
  const { networkFile, swarm, ...rest } = settings;
  const read = async () => networkOfSwarm(await readNetworkFile(networkFile), swarm);
  const options = { ...rest, signal };
  let network: Network | undefined = await read();
  while (network !== undefined) network = await volunteerIn(network, options, read);
  return 0;
});

/**
 * Works in one network until the signal fires, or until another one stands behind its chain's address and the
 * network file names that: then it is the result.
 */
async function volunteerIn(
  network: Network,
  options: Omit<VolunteerOptions, 'network' | 'onEvent'> & { readonly signal: AbortSignal },
  read: () => Promise<Network>,
): Promise<Network | undefined> {
  let searching: AbortController | undefined;
  let found: Network | undefined;
  const ended = new AbortController();
  options.signal.addEventListener('abort', () => ended.abort(), { once: true });
  let last: string | undefined;
  let crash: Error | undefined;
  const volunteer = await startVolunteer({
    ...options,
    network,
    onEvent: (event) => {
      const line = inWords(event);
      // What a member of a model in blocks is doing is said when it changes.
      if (line !== undefined && (event.kind !== 'blocks' || line !== last)) console.log(line);
      if (event.kind === 'blocks') last = line;
      if (event.kind === 'crashed') {
        crash = event.error;
        ended.abort();
      }
      if (event.kind !== 'replaced') return;
      searching?.abort();
      if (event.error === undefined) return;
      searching = new AbortController();
      const signal = AbortSignal.any([searching.signal, ended.signal]);
      void nextNetwork({ current: network, read, sleep, signal }).then((next) => {
        if (next === undefined) return;
        found = next;
        ended.abort();
      });
    },
  });
  await aborted(AbortSignal.any([ended.signal, options.signal]));
  await volunteer.stop();
  if (crash !== undefined) throw crash;
  return options.signal.aborted ? undefined : found;
}

function inWords(event: VolunteerEvent): string | undefined {
  switch (event.kind) {
    case 'notice':
      return event.text;
    case 'replaced':
      return event.error === undefined
        ? 'The network is back; this device goes on.'
        : `${event.error.message} This device waits for it, and goes on by itself.`;
    case 'joined':
      return `${event.device} computes with ${event.engine}; next round to train: ${event.cursor} or later`;
    case 'step':
      return `step ${event.step} done by ${sharesInWords(event.done)}, checkpoint ${event.root.slice(0, 10)}`;
    case 'blocks':
      return blocksInWords(event.view);
    case 'attestation':
      return attestationInWords(event.event);
    case 'on chain':
      return `round ${event.round} is on the chain, in block ${event.block}`;
    case 'crashed':
      return undefined;
    case 'round': {
      const { event: round } = event;
      if (round.kind === 'trained') {
        const percent = (share: number) => `${Math.round(share * 100)} %`;
        return `round ${round.round}: own answers ${percent(round.meanReward)} right, held-out ${percent(round.heldOutAccuracy)}, trained with ${round.foreign} other peers, checkpoint ${round.checkpointRoot.slice(0, 10)}`;
      }
      if (round.kind === 'failed') return `round ${round.round} failed: ${round.cause}`;
      return undefined;
    }
  }
}

/** For example "40 hops of 0x1a2b3c4d, 38 of 0x5e6f7a8b". */
function sharesInWords({ hops }: StepShares): string {
  const parts = [...hops].map(([device, count]) => `${count} of ${device.slice(0, 10)}`);
  return parts.length === 0 ? 'nobody' : `hops: ${parts.join(', ')}`;
}

function attestationInWords(event: StateEvent): string | undefined {
  switch (event.kind) {
    case 'attested':
      return `round ${event.round} attested: checkpoint ${event.checkpointRoot.slice(0, 10)} after step ${event.step}`;
    case 'not attested':
      return `round ${event.round} was not attested: ${event.cause}`;
    case 'accepted':
      return undefined;
  }
}

function blocksInWords({ state, blocks, problems }: BlockSessionView): string {
  const here = blocks.filter(({ isHere }) => isHere).map(({ id }) => id);
  const kept = here.length === 0 ? 'no blocks yet' : here.join(', ');
  const missing = blocks.filter(({ keepers }) => keepers.length === 0).map(({ id }) => id);
  const wants = state === 'gathering' && missing.length > 0 ? `; nobody keeps ${missing.join(', ')} yet` : '';
  return [`${state} with ${kept}${wants}`, ...problems].join('. ');
}
