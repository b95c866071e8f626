import { afterEach, expect, it } from 'vitest';
import { openMemoryDirectory } from '../../models/storage/memory-directory.ts';
import { UNTESTED } from '../../protocol/conformance-report.ts';
import { toHex } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { UNKNOWN } from '../../protocol/standing.ts';
import type { SourceFile } from '../../protocol/swarm-spec.ts';
import type { Trainer } from '../../protocol/trainer.ts';
import { fileCid, StoreWithLocalFiles } from '../../swarm/content/local-files.ts';
import { type Hash, manifestOf, webHash } from '../../swarm/content/manifest.ts';
import { fileInMemory, fromPeers } from '../../swarm/content/member-files.ts';
import { startContent } from '../../swarm/content/service.ts';
import { MemoryStore, readFile } from '../../swarm/content/store.ts';
import type { SwarmConnection } from '../../swarm/join.ts';
import type { RoundEvent } from '../../swarm/rounds/events.ts';
import { systemScheduler } from '../../swarm/scheduler.ts';
import { memoryStoreOfAttestations } from '../../swarm/testing/attestation-store.ts';
import { MemoryNetwork } from '../../swarm/testing/memory-transport.ts';
import { ROUND_MS } from '../../swarm/testing/simulated-ledger.ts';
import { type SimulatedPeer, SimulatedSwarm } from '../../swarm/testing/simulated-swarm.ts';
import { DEFAULT_RETENTION, openCheckpointRetention } from '../../training/checkpoint-retention.ts';
import type { RoundsDriver } from './dependencies.ts';
import { volunteerConnection } from './volunteer-connection.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const CONTRACTS = {
  identity: `0x${'11'.repeat(20)}`,
  swarms: `0x${'33'.repeat(20)}`,
  participation: `0x${'22'.repeat(20)}`,
} as const;

/** A tab in a swarm on simulated time, whose content is real, and somebody who asks it. */
async function tab(name: string, memory: number) {
  const swarm = new SimulatedSwarm();
  const peers = new MemoryNetwork();
  // At once, so that simulated time does not run away from it.
  const hash: Hash = async (bytes) => sha256Of(bytes);
  const store = new StoreWithLocalFiles(new MemoryStore(memory), hash);
  const start = (own: StoreWithLocalFiles, as: string) =>
    startContent({ store: own, transport: peers.transport(as), scheduler: systemScheduler, hash });
  const content = await start(store, 'tab');
  const asker = await start(new StoreWithLocalFiles(new MemoryStore()), 'asker');
  closing.push(
    () => content.stop(),
    () => asker.stop(),
  );
  const peer = swarm.join(name);
  const attestations = memoryStoreOfAttestations();
  const connection = volunteerConnection({
    network: { chainId: 1, contracts: CONTRACTS, local: true },
    ...{ key: peer.key, ledger: peer.ledger, store, attestations },
    connection: connectionOf(swarm, peer, content),
    onNetwork: () => undefined,
    onRefused: () => undefined,
  });
  return { swarm, peer, connection, asker, attestations };
}

function connectionOf(
  { scheduler, networkId }: SimulatedSwarm,
  { gossip, presence }: SimulatedPeer,
  content: SwarmConnection['content'],
): SwarmConnection {
  const view = { peers: [], relays: [] };
  const node = { view: () => view, watch: () => () => undefined } as unknown as SwarmConnection['node'];
  return {
    ...{ networkId, scheduler, node, gossip, presence, content },
    iceServers: async () => [],
    standings: { now: () => UNKNOWN, of: async () => UNKNOWN },
    leave: async () => undefined,
  };
}

/** Takes the device through a round, and resolves with what it attested. */
async function firstRound(
  { scheduler }: SimulatedSwarm,
  rounds: Pick<RoundsDriver, 'start'>,
  events: readonly RoundEvent[],
) {
  await scheduler.advance(ROUND_MS - 2_000);
  rounds.start();
  for (let ms = 0; ms < 2 * ROUND_MS && !events.some(({ kind }) => kind === 'trained'); ms += 500)
    await scheduler.advance(500);
  // Time stands still while the checkpoint is hashed.
  const sent = () => events.flatMap((event) => (event.kind === 'sent' ? [event.body] : []));
  await expect.poll(sent).toHaveLength(1);
  return must(sent(), 0);
}

it('[P-122] serves the checkpoints that the device keeps from where they lie, and those of earlier visits', async () => {
  const directory = openMemoryDirectory();
  const kept = openCheckpointRetention({ directory, policy: DEFAULT_RETENTION });
  const earlier = new Uint8Array(300_000).fill(3);
  await kept.add({ round: 0, root: toHex(sha256Of(earlier)), file: earlier });
  // No checkpoint fits into this memory.
  const { peer, connection, asker, swarm } = await tab('keeper', 10);
  const events: RoundEvent[] = [];
  const trainer: Trainer = {
    prompts: () => peer.trainer.prompts(),
    answer: (...asked) => peer.trainer.answer(...asked),
    critique: (context, others) => peer.trainer.critique(context, others),
    vote: (context, all) => peer.trainer.vote(context, all),
    async train(context, ...asked) {
      const outcome = await peer.trainer.train(context, ...asked);
      await kept.add({ round: context.round, root: outcome.checkpointRoot, file: outcome.checkpoint });
      return outcome;
    },
  };
  const rounds = connection.takePart({
    ...{ trainer, engine: 'scripted', conformance: () => UNTESTED },
    kept,
    onRound: (event) => events.push(event),
  });
  closing.push(() => rounds.stop());
  const { checkpoint, checkpointRoot } = await firstRound(swarm, rounds, events);
  // The scripted trainer's root is its whole checkpoint.
  expect(toHex(await asker.fetchFile(checkpoint, ['tab']))).toBe(checkpointRoot);
  // The last visit's checkpoint has the name that its bytes give, after a moment.
  const before = await fileCid(await manifestOf(earlier, webHash));
  await expect
    .poll(() =>
      asker.fetchFile(before, ['tab']).then(
        ({ length }) => length,
        () => 0,
      ),
    )
    .toBe(earlier.length);

  await connection.leave();
});

it('[P-206] serves checkpoints from memory where there is no storage, and keeps an attestation that nobody acknowledged', async () => {
  const { peer, connection, asker, swarm, attestations } = await tab('private', 10_000_000);
  const events: RoundEvent[] = [];
  const rounds = connection.takePart({
    ...{ trainer: peer.trainer, engine: 'scripted', conformance: () => UNTESTED, kept: null },
    onRound: (event) => events.push(event),
  });
  closing.push(() => rounds.stop());
  const { checkpoint, checkpointRoot } = await firstRound(swarm, rounds, events);
  expect(toHex(await asker.fetchFile(checkpoint, ['tab']))).toBe(checkpointRoot);
  expect(await attestations.read()).toMatchObject([{ body: { checkpoint, checkpointRoot } }]);
});

it('[S-09] serves the swarm’s files, small and large, and fetches them from members', async () => {
  const { connection, asker } = await tab('server', 10);
  const small = new Uint8Array(700).fill(7);
  const large = new Uint8Array(2 ** 20 + 5).fill(9);
  const named = (bytes: Uint8Array, manifest?: string): SourceFile => ({
    ...{ path: 'file', size: bytes.length, sha256: toHex(sha256Of(bytes)), urls: [] },
    ...(manifest === undefined ? {} : { manifest }),
  });
  const manifest = await fileCid(await manifestOf(large, webHash));
  const { signal } = new AbortController();
  const members = fromPeers(asker, () => ['tab']);
  await expect(members.small(named(small), signal)).rejects.toThrow(/does not have it/);
  connection.serve(named(small), fileInMemory(small));
  connection.serve(named(large, manifest), fileInMemory(large));
  expect(await members.small(named(small), signal)).toEqual(small);
  const into = new MemoryStore();
  const file = { ...named(large), manifest };
  await members.large(file, into, { signal, onProgress: () => undefined });
  expect(Buffer.compare((await readFile(into, manifest)) ?? new Uint8Array(), large)).toBe(0);
  // Nobody is in the swarm but this tab.
  const other = named(new Uint8Array(3));
  await expect(connection.fromMembers.small(other, signal)).rejects.toThrow(/none to ask/);
});
