import { fromHex } from '../../protocol/hex.ts';
import { cidFromDigest } from '../../swarm/content/manifest.ts';
import { MemoryStore } from '../../swarm/content/store.ts';
import { joinSwarm } from '../../swarm/join.ts';
import { RoundDriver } from '../../swarm/rounds/round-driver.ts';
import { BlocksDriver, type BlocksDriverOptions } from './blocks-driver.ts';
import type { JoinOptions, RoundsDriver, VolunteerConnection } from './dependencies.ts';

/** Bytes of memory for content that is served to others. Older rounds are forgotten first. */
const CONTENT_BUDGET = 64 * 1024 * 1024;

/** How long one round of asking for a file may take, in ms. */
const FETCH_MS = 15_000;
/** CID code of DAG-CBOR. Members pass a file of at most 1 MiB on as an object, by the SHA-256 in its CID. */
const DAG_CBOR = 0x71;

/** Joins the swarm with this tab. Takes part in no rounds yet. In a chunk of its own. */
export async function joinAsVolunteer(options: JoinOptions): Promise<VolunteerConnection> {
  const { network, key, ledger, describe } = options;
  const connection = await joinSwarm({
    network,
    key,
    ledger,
    store: new MemoryStore(CONTENT_BUDGET),
    describe,
  });
  const { node, gossip, presence, content, standings } = connection;
  let driver: RoundsDriver | undefined;
  const offs = [
    gossip.onRejected(({ reason }) => options.onRefused(reason)),
    node.watch(options.onNetwork),
    presence.onMember(() => options.onNetwork(node.view())),
  ];
  options.onNetwork(node.view());
  return {
    async serve(bytes) {
      await content.publishObject(bytes);
    },
    fetchFile({ sha256, size }, signal) {
      const sources = new Set([
        ...presence.members().map(({ peerId }) => peerId),
        ...node.view().peers.map(({ peerId }) => peerId),
      ]);
      const cid = cidFromDigest(fromHex(sha256), DAG_CBOR);
      return content.fetchObject(cid, [...sources], { signal, maxBytes: size, deadlineMs: FETCH_MS });
    },
    takePart({ trainer, engine, conformance, onRound }) {
      const rounds = new RoundDriver({
        trainer,
        ledger,
        gossip,
        content,
        deviceKey: key,
        standings,
        engine,
        conformance,
      });
      driver = rounds;
      offs.push(rounds.on(onRound));
      return rounds;
    },
    async takeBlocks({ blocks, cid, ...listeners }) {
      const { run, worker, files, quotaBytes } = blocks;
      const join: BlocksDriverOptions['join'] = async (listen) =>
        (await import('../../swarm/pipeline/join-blocks.ts')).joinBlocks({
          ...{ connection, key, run, worker, files, quotaBytes, ...listen },
          domain: { chainId: network.chainId, verifyingContract: network.contracts.participation },
          spec: cid,
          round: () => ledger.clock.read().round,
          local: network.local,
        });
      const work = await BlocksDriver.open({ blocks, join, scheduler: connection.scheduler, ...listeners });
      driver = work;
      return work;
    },
    members: () => presence.members(),
    announce: () => presence.announce(),
    async leave() {
      for (const off of offs) off();
      await driver?.stop();
      await connection.leave();
    },
  };
}
