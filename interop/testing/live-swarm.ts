import '../../swarm/node20.ts';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../../chain/network.ts';
import { readSwarm, specOf } from '../../chain/swarms.ts';
import { type DefaultSpec, defaultSpec } from '../../node/devnet/default-swarm.ts';
import { startLocalChain } from '../../node/devnet/local-chain.ts';
import { startVolunteer } from '../../node/volunteer.ts';
import type { VolunteerEvent } from '../../node/volunteer-event.ts';
import { type Network, parseNetwork } from '../../protocol/network-file.ts';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import { networkId } from '../../swarm/network-id.ts';
import { type Relay, startRelay } from '../../swarm/relay/relay.ts';

/** Short, so that a test waits for few seconds; long enough for an answer of nano on a busy machine. */
const SECONDS = { answer: 6, critique: 2, vote: 2 } as const;

/** The default swarm of a local network with little work in a round. */
function lightSpec(): DefaultSpec {
  const spec = defaultSpec(SECONDS);
  const light = {
    itemsPerRound: 16,
    itemsAnswered: 4,
    samplesPerItem: 4,
    stepsPerRound: 1,
    heldOutItems: 16,
  };
  return { ...spec, round: { ...spec.round, ...light } };
}

/** A chain, a relay and a volunteer of ours on this machine, with real rounds of the model nano. */
export interface LiveSwarm {
  readonly network: Network;
  readonly networkFile: string;
  readonly spec: SwarmSpec;
  readonly relay: Relay;
  /** All that the volunteer has told so far. */
  readonly events: readonly VolunteerEvent[];
  /** What kept the volunteer from joining. */
  readonly failures: readonly unknown[];
  stop(): Promise<void>;
}

/** Starts all of it. The volunteer joins meanwhile. */
export async function startLiveSwarm(): Promise<LiveSwarm> {
  const home = await mkdtemp(join(tmpdir(), 'starling-interop-swarm-'));
  const closing: (() => Promise<void>)[] = [() => rm(home, { recursive: true, force: true, maxRetries: 10 })];
  const stop = async () => {
    for (const close of closing.splice(0).reverse()) await close();
  };
  try {
    // `stop` ends it, and nothing before.
    const { signal } = new AbortController();
    const chain = await startLocalChain({ folder: join(home, 'chain'), spec: lightSpec(), signal });
    closing.push(() => chain.anvil.stop());
    const { contracts, swarm, anvil } = chain;
    const relay = await startRelay({
      privateKey: crypto.getRandomValues(new Uint8Array(32)),
      networks: [networkId(anvil.chainId, contracts.participation, swarm)],
    });
    closing.push(() => relay.stop());
    const file = {
      ...{ local: true, rpc: anvil.rpc, chainId: anvil.chainId, contracts, swarm },
      relays: relay.addresses,
    };
    const network = parseNetwork(file);
    const networkFile = join(home, 'network.json');
    await writeFile(networkFile, JSON.stringify(file));
    const spec = specOf(await readSwarm(connect(network), contracts.swarms, swarm));
    const events: VolunteerEvent[] = [];
    const failures: unknown[] = [];
    const leaving = new AbortController();
    const volunteer = startVolunteer({
      ...{ network, home: join(home, 'volunteer'), engine: 'wasm', signal: leaving.signal },
      onEvent: (event) => events.push(event),
    });
    volunteer.catch((error) => failures.push(error));
    closing.push(async () => {
      leaving.abort();
      await (await volunteer.catch(() => undefined))?.stop();
    });
    return { network, networkFile, spec, relay, events, failures, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
