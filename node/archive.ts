import type { ChainClock } from '../chain/clock.ts';
import { roundMs, type Schedule, seedOf } from '../chain/schedule.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import type { Standing } from '../protocol/standing.ts';
import type { SwarmConnection } from '../swarm/join.ts';
import type { Message } from '../swarm/messages/envelope.ts';
import { Acknowledgements } from '../swarm/rounds/acknowledgements.ts';
import { every } from '../swarm/scheduler.ts';
import type { ArchiveFolder } from './archive/archive-folder.ts';
import { ArchiveCollector, type ArchiveEvent } from './archive/collector.ts';

/** How often an archive looks for states that somebody asks it to fetch, in ms. */
const REQUESTS_MS = 2_000;

export interface ArchiveOptions {
  readonly connection: SwarmConnection;
  readonly device: DeviceAddress;
  readonly folder: ArchiveFolder;
  readonly clock: Pick<ChainClock, 'read'>;
  readonly schedule: Schedule;
  /** What the chain says of a device. Never rejects. */
  readonly standingOf: (device: DeviceAddress) => Promise<Standing>;
  /** Most bytes that a checkpoint of the network's model has. */
  readonly maxCheckpointBytes: number;
  readonly keepRounds?: number;
  /** Bytes of the disk that the archive may take. Defaults to 20 GiB. */
  readonly diskBytes?: number;
  /** The state after every round that this divides is kept, besides first and last ones. Defaults to 10. */
  readonly stateEvery?: number;
  readonly onEvent?: (event: ArchiveEvent) => void;
}

export interface Archive {
  stop(): Promise<void>;
}

/**
 * Keeps every round that devices of the swarm attest: its root, its rollout sets, and the state after some of
 * the rounds, from which a replay recomputes the others. Tells the devices so. The connection's content store
 * must be the folder's.
 */
export function startArchive(options: ArchiveOptions): Archive {
  const { connection, device, folder, clock, schedule, keepRounds, onEvent } = options;
  const { standingOf, maxCheckpointBytes, stateEvery } = options;
  const { gossip, content, node, networkId, scheduler } = connection;
  const acknowledgements = new Acknowledgements({
    gossip,
    device,
    members: () => connection.presence.members().length,
    scheduler,
    round: () => clock.read().round,
    standingOf: (author) => connection.standings.now(author),
    onAccepted: () => undefined,
  });
  const kept = new Map<string, Message<'attest'>>();
  const collector = new ArchiveCollector({
    run: networkId,
    folder,
    content,
    seedOf: (round) => seedOf(schedule, round),
    standingOf,
    scheduler,
    maxCheckpointBytes,
    // What takes longer is not followed any more: the devices' content of the round is gone by then.
    roundDeadlineMs: 2 * roundMs(schedule),
    neighbours: () =>
      node
        .view()
        .peers.filter(({ path }) => path === 'direct')
        .map(({ peerId }) => peerId),
    ...(keepRounds === undefined ? {} : { keepRounds }),
    ...(stateEvery === undefined ? {} : { stateEvery }),
    ...(options.diskBytes === undefined ? {} : { diskBytes: options.diskBytes }),
    onEvent(event) {
      onEvent?.(event);
      if (event.kind !== 'archived' && event.kind !== 'refused') return;
      const { device: author, round } = event.kind === 'archived' ? event.record : event;
      const message = kept.get(`${author} ${round}`);
      kept.delete(`${author} ${round}`);
      if (event.kind === 'archived' && message !== undefined) acknowledgements.acknowledge(message);
    },
  });
  const off = gossip.onMessage((message) => {
    if (message.type === 'attest') kept.set(`${message.author} ${message.round}`, message);
    collector.hear(message);
  });
  const offRequests = every(
    scheduler,
    REQUESTS_MS,
    () => void collector.answerRequests().catch(() => undefined),
  );
  return {
    async stop() {
      offRequests();
      off();
      acknowledgements.stop();
      await collector.stop();
    },
  };
}
