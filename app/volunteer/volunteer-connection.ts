import type { Network } from '../../protocol/network-file.ts';
import type { StoreWithLocalFiles } from '../../swarm/content/local-files.ts';
import { membersOf, offerFile } from '../../swarm/content/member-files.ts';
import type { SwarmConnection } from '../../swarm/join.ts';
import type { AttestationStore } from '../../swarm/rounds/attestation-outbox.ts';
import { CheckpointOffers } from '../../swarm/rounds/checkpoint-publisher.ts';
import { RoundDriver } from '../../swarm/rounds/round-driver.ts';
import { BlocksDriver, type BlocksDriverOptions } from './blocks-driver.ts';
import type { JoinOptions, RoundsDriver, VolunteerConnection } from './dependencies.ts';

export interface VolunteerConnectionOptions
  extends Pick<JoinOptions, 'key' | 'ledger' | 'onNetwork' | 'onRefused'> {
  readonly network: Pick<Network, 'chainId' | 'contracts' | 'local'>;
  readonly connection: SwarmConnection;
  /** The store that the connection serves from. */
  readonly store: StoreWithLocalFiles;
  /** Keeps attestations that nobody has acknowledged yet. */
  readonly attestations: AttestationStore;
}

/** What a volunteer does with its connection to a swarm. */
export function volunteerConnection(options: VolunteerConnectionOptions): VolunteerConnection {
  const { network, key, ledger, connection, store } = options;
  const { node, gossip, presence, content, standings, scheduler } = connection;
  let driver: RoundsDriver | undefined;
  /** Fires when the device leaves. */
  const left = new AbortController();
  const offs = [
    gossip.onRejected(({ reason }) => options.onRefused(reason)),
    node.watch(options.onNetwork),
    presence.onMember(() => options.onNetwork(node.view())),
  ];
  options.onNetwork(node.view());
  return {
    fromMembers: membersOf(connection),
    serve: (file, local, manifest) => offerFile(store, file, local, manifest),
    takePart({ trainer, engine, conformance, kept, onRound }) {
      const offers = kept === null ? undefined : new CheckpointOffers({ store, kept });
      const rounds = new RoundDriver({
        trainer,
        ledger,
        gossip,
        content,
        ...(offers === undefined ? {} : { publishCheckpoint: offers.publish }),
        attestations: options.attestations,
        deviceKey: key,
        standings,
        engine,
        conformance,
        scheduler,
      });
      driver = rounds;
      offs.push(rounds.on(onRound));
      // Beside the rounds: what earlier visits kept is named by its bytes. Without it later rounds are
      // served.
      offers?.offerKept(left.signal).catch(() => undefined);
      return rounds;
    },
    async takeBlocks({ blocks, cid, onAttestation, ...listeners }) {
      const { run, worker, files, quotaBytes, checkpointRoot } = blocks;
      const join: BlocksDriverOptions['join'] = async (listen) =>
        (await import('../../swarm/pipeline/join-blocks.ts')).joinBlocks({
          ...{ connection, key, ledger, run, worker, files, quotaBytes, checkpointRoot, ...listen },
          domain: { chainId: network.chainId, verifyingContract: network.contracts.participation },
          spec: cid,
          onAttestation,
          local: network.local,
        });
      const work = await BlocksDriver.open({ blocks, join, scheduler, ...listeners });
      driver = work;
      return work;
    },
    members: () => presence.members(),
    announce: () => presence.announce(),
    async leave() {
      left.abort();
      for (const off of offs) off();
      await driver?.stop();
      await connection.leave();
    },
  };
}
