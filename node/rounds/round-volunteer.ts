/** A volunteer in a swarm whose members each have a whole model: it takes part in rounds. */
import { join } from 'node:path';
import type { DeviceChain } from '../../chain/device-chain.ts';
import type { ModelSource } from '../../models/loading/model-source.ts';
import { folderName } from '../../models/storage/directory.ts';
import type { DeviceKey } from '../../protocol/device-key.ts';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import type { SwarmConnection } from '../../swarm/join.ts';
import type { CheckpointOffers } from '../../swarm/rounds/checkpoint-publisher.ts';
import { RoundDriver } from '../../swarm/rounds/round-driver.ts';
import { conformanceOf } from '../../workers/conformance-report.ts';
import { attestationFile } from '../home/attestation-file.ts';
import { predictRound, RoundCosts } from '../swarms/round-costs.ts';
import type { VolunteerEvent } from '../volunteer-event.ts';
import { OwnAttestations } from './own-attestations.ts';
import type { RoundComputer } from './round-computer.ts';

const KEY_ELSEWHERE =
  'Another machine works with this device’s key, so this one waits. Stop one of them, or remove device.key from one folder, and start again.';

export interface RoundVolunteerOptions {
  readonly key: DeviceKey;
  /** Folder of this device. */
  readonly home: string;
  /** The network and the swarm, as in swarm/network-id.ts. */
  readonly networkId: string;
  readonly spec: SwarmSpec;
  /** The model that the device starts from. */
  readonly model: ModelSource;
  readonly computer: RoundComputer;
  readonly chain: DeviceChain;
  readonly connection: SwarmConnection;
  readonly offers: CheckpointOffers;
  readonly onEvent: (event: VolunteerEvent) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface RoundVolunteer {
  readonly driver: RoundDriver;
  /** Gives up the round in hand. */
  stop(): Promise<void>;
}

/**
 * Begins with the next round. Waits while the chain is out of reach or replaced, and for good where another
 * machine works with the device's key.
 */
export async function startRoundVolunteer(options: RoundVolunteerOptions): Promise<RoundVolunteer> {
  const { key, home, networkId, spec, model, computer, chain, connection, offers, signal } = options;
  const tell = options.onEvent;
  const costs = new RoundCosts({
    ...{ home, run: networkId },
    predicted: await predictRound({
      ...{ spec, model, speed: computer.speed },
      ...(signal === undefined ? {} : { signal }),
    }),
  });
  const driver = new RoundDriver({
    trainer: computer.trainer,
    ledger: chain.ledger,
    gossip: connection.gossip,
    content: connection.content,
    publishCheckpoint: offers.publish,
    attestations: attestationFile(join(home, 'attestations', `${folderName(networkId)}.json`)),
    deviceKey: key,
    standings: connection.standings,
    engine: computer.engine().description,
    conformance: () => conformanceOf(computer.engine()),
  });
  let isKeyElsewhere = false;
  const stopReplaced = chain.watchReplaced((error) => {
    if (error === undefined && !isKeyElsewhere) driver.resume();
    if (error !== undefined) driver.pause(error.message);
    tell({ kind: 'replaced', error });
  });
  const own = new OwnAttestations();
  driver.on((event) => {
    if (event.kind === 'trained') {
      own.trained(event.round, event.checkpointRoot);
      const { round, computeMs } = event;
      // In kB. What could not be written down is missing from a comparison, and from nothing else.
      const memory = 1024 * process.resourceUsage().maxRSS;
      if (computeMs !== undefined) costs.add(round, computeMs / 1000, memory).catch(() => undefined);
    }
    tell({ kind: 'round', event });
  });
  const stopWatching = chain.watchInclusions(chain.clock.read().round, (attestation) => {
    if (!own.isForeign(attestation)) return;
    stopWatching();
    isKeyElsewhere = true;
    driver.pause(KEY_ELSEWHERE);
    const text = `${KEY_ELSEWHERE} (Round ${attestation.round} on the chain is not from here.)`;
    tell({ kind: 'notice', text });
  });
  tell({
    kind: 'joined',
    device: key.address,
    engine: computer.engine().description,
    cursor: computer.cursor,
  });
  driver.start();
  const offering = new AbortController();
  // Beside the rounds: what earlier runs kept is named by its bytes, which takes a second for each GB.
  const offered = offers.offerKept(offering.signal).catch(() => undefined);
  return {
    driver,
    async stop() {
      offering.abort();
      await offered;
      stopWatching();
      stopReplaced();
      await driver.stop();
    },
  };
}
