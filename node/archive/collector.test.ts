import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkpointRoot } from '../../models/checkpoint/root.ts';
import { float32Tensor, serializeSafetensors } from '../../models/checkpoint/safetensors.ts';
import { UNTESTED } from '../../protocol/conformance-report.ts';
import { deviceKey } from '../../protocol/device-key.ts';
import type { Hex } from '../../protocol/hex.ts';
import type { RolloutSet } from '../../protocol/trainer.ts';
import type { FetchOptions } from '../../swarm/content/content.ts';
import { manifestOf, webHash } from '../../swarm/content/manifest.ts';
import { startContent } from '../../swarm/content/service.ts';
import { MemoryStore } from '../../swarm/content/store.ts';
import type { AttestBody } from '../../swarm/messages/bodies.ts';
import { decodeMessage, encodeMessage, type Message } from '../../swarm/messages/envelope.ts';
import { digestInCid, encodeRollouts } from '../../swarm/messages/rollouts.ts';
import { systemScheduler } from '../../swarm/scheduler.ts';
import { type ArchiveFolder, openArchiveFolder } from './archive-folder.ts';
import { ArchiveCollector, type ArchiveEvent, type CollectorOptions } from './collector.ts';

const RUN = `31337:0x${'5c'.repeat(20)}:0`;
const ANNA = deviceKey(new Uint8Array(32).fill(3));
const BEN = deviceKey(new Uint8Array(32).fill(4));
const zeros: Hex = `0x${'00'.repeat(32)}`;

let home = '';
let folder: ArchiveFolder;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'starling-archive-'));
  folder = await openArchiveFolder(home);
});
afterEach(() => rm(home, { recursive: true, force: true }));

const checkpointOf = (value: number) =>
  serializeSafetensors({
    tensors: new Map([['weight', float32Tensor([3], Float32Array.of(value, 2, 3))]]),
    metadata: new Map([['cursor', String(value)]]),
  });

const rolloutsOf = (text: string, { address: author } = ANNA): RolloutSet => ({
  author,
  modelRoot: zeros,
  groups: [{ item: 0, completions: [{ text, tokens: [1], logprobs: [-1] }] }],
});

/** Devices' published content, fetched as through the swarm; counts what was asked of whom. */
async function swarm() {
  const publisher = await startContent({
    store: new MemoryStore(),
    scheduler: systemScheduler,
    transport: { open: () => Promise.reject(new Error('alone')), serve: async () => async () => undefined },
  });
  const asked: { readonly cid: string; readonly sources: readonly string[] }[] = [];
  return {
    publisher,
    asked,
    content: {
      async fetchObject(cid: string, sources: readonly string[], { into }: FetchOptions = {}) {
        asked.push({ cid, sources });
        const bytes = await publisher.fetchObject(cid, []);
        await into?.putObject(cid, bytes);
        return bytes;
      },
      async fetchFile(cid: string, sources: readonly string[], { into }: FetchOptions = {}) {
        asked.push({ cid, sources });
        const bytes = await publisher.fetchFile(cid, []);
        await into?.putManifest(cid, await manifestOf(bytes, webHash));
        await into?.putChunk(cid, 0, bytes);
        return bytes;
      },
    },
  };
}

function collect(net: Awaited<ReturnType<typeof swarm>>, more: Partial<CollectorOptions> = {}) {
  const events: ArchiveEvent[] = [];
  const collector = new ArchiveCollector({
    run: RUN,
    folder,
    content: net.content,
    seedOf: (round) => `0x${round.toString(16).padStart(64, '0')}`,
    neighbours: () => ['neighbour'],
    standingOf: async () => ({ kind: 'known' }),
    scheduler: systemScheduler,
    maxCheckpointBytes: 4096,
    roundDeadlineMs: 10_000,
    onEvent: (event) => events.push(event),
    ...more,
  });
  return { collector, events };
}

async function attestOf(
  net: Awaited<ReturnType<typeof swarm>>,
  round: number,
  change: Partial<AttestBody> = {},
): Promise<Message> {
  const file = checkpointOf(round);
  const own = encodeRollouts(rolloutsOf(`anna ${round}`));
  await net.publisher.publishObject(own.bytes);
  const body: AttestBody = {
    checkpointRoot: checkpointRoot(file),
    rolloutDigest: digestInCid(own.cid),
    signature: `0x${'11'.repeat(65)}`,
    previousRoot: zeros,
    checkpoint: await net.publisher.publishFile(file),
    rollouts: own.cid,
    foreign: [],
    engine: 'wasm',
    conformance: UNTESTED,
    optimizerSteps: 2,
    meanReward: 0.5,
    heldOutAccuracy: 0.5,
    ...change,
  };
  return decodeMessage(encodeMessage(ANNA, RUN, { type: 'attest', round, seq: 1, body }));
}

describe('the archive collector', () => {
  it('fetches what an attestation names from its author first, and records it with the authors of foreign rollouts', async () => {
    const net = await swarm();
    const { collector, events } = collect(net);
    const bens = encodeRollouts(rolloutsOf('ben', BEN));
    await net.publisher.publishObject(bens.bytes);
    collector.hear(
      decodeMessage(
        encodeMessage(BEN, RUN, {
          type: 'reveal',
          round: 5,
          seq: 1,
          body: { salt: zeros, cid: bens.cid, rollouts: rolloutsOf('ben', BEN) },
        }),
      ),
    );
    collector.hear(await attestOf(net, 5, { foreign: [bens.cid] }));
    await collector.idle();
    expect(events).toMatchObject([{ kind: 'archived' }]);
    const record = await folder.record(ANNA.address, 5);
    expect(record).toMatchObject({
      run: RUN,
      device: ANNA.address,
      round: 5,
      foreign: [{ cid: bens.cid, author: BEN.address }],
    });
    expect(net.asked.find(({ cid }) => cid === bens.cid)?.sources[0]).toBe(BEN.peerId);
    expect(net.asked.find(({ cid }) => cid === record?.checkpoint)?.sources).toEqual([
      ANNA.peerId,
      'neighbour',
    ]);
    expect((await folder.content.inspect(record?.checkpoint ?? ''))?.intact).toBe(true);
    expect(await folder.byRoot(ANNA.address, record?.checkpointRoot ?? zeros)).toEqual(record);
    await collector.stop();
  });

  it('records nothing when the checkpoint is not the attested one, and keeps none of it', async () => {
    const net = await swarm();
    const { collector, events } = collect(net);
    const message = await attestOf(net, 5, { checkpointRoot: `0x${'ab'.repeat(32)}` });
    collector.hear(message);
    await collector.idle();
    expect(events).toMatchObject([
      { kind: 'refused', device: ANNA.address, round: 5, cause: expect.stringContaining('not the attested') },
    ]);
    expect(await folder.list()).toEqual([]);
    const checkpoint = message.type === 'attest' ? message.body.checkpoint : '';
    expect(await folder.content.inspect(checkpoint)).toBeUndefined();
  });

  it('records nothing when the rollouts are those of another device', async () => {
    const net = await swarm();
    const { collector, events } = collect(net);
    const bens = encodeRollouts(rolloutsOf('ben', BEN));
    await net.publisher.publishObject(bens.bytes);
    collector.hear(await attestOf(net, 5, { rollouts: bens.cid, rolloutDigest: digestInCid(bens.cid) }));
    await collector.idle();
    expect(events).toMatchObject([{ kind: 'refused', cause: `the rollouts are those of ${BEN.address}` }]);
    expect(await folder.list()).toEqual([]);
  });

  it('goes on after content that cannot be had', async () => {
    const net = await swarm();
    const { collector, events } = collect(net);
    const absent = encodeRollouts(rolloutsOf('nobody has this'));
    collector.hear(await attestOf(net, 5, { rollouts: absent.cid, rolloutDigest: digestInCid(absent.cid) }));
    collector.hear(await attestOf(net, 6));
    await collector.idle();
    expect(events.map(({ kind }) => kind).sort()).toEqual(['archived', 'refused']);
    expect((await folder.list()).map(({ round }) => round)).toEqual([6]);
  });

  it('forgets rounds that are older than it is to keep, with their content', async () => {
    const net = await swarm();
    const { collector } = collect(net, { keepRounds: 10, stateEvery: 1 });
    for (let round = 1; round <= 30; round++) {
      collector.hear(await attestOf(net, round));
      await collector.idle();
    }
    const rounds = (await folder.list()).map(({ round }) => round);
    expect(rounds.at(-1)).toBe(30);
    expect(Math.min(...rounds)).toBe(20);
    expect((await folder.content.list()).length).toBe(2 * rounds.length);
  });

  describe('states', () => {
    /** Rounds of one device that go on from one another. */
    async function chain(net: Awaited<ReturnType<typeof swarm>>, rounds: readonly number[]) {
      const messages = [];
      let previousRoot = zeros;
      for (const round of rounds) {
        messages.push(await attestOf(net, round, { previousRoot }));
        previousRoot = checkpointRoot(checkpointOf(round));
      }
      return messages;
    }
    const kept = async (): Promise<readonly number[]> => {
      const found: number[] = [];
      for (const { device, round } of await folder.list()) {
        const record = await folder.record(device, round);
        if (record !== undefined && (await folder.content.isHere(record.checkpoint))) found.push(round);
      }
      return found;
    };
    const rounds = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, index) => from + index);

    it('[P-123] are kept after the first and every k-th round, and roots and rollouts after all', async () => {
      const net = await swarm();
      const { collector, events } = collect(net);
      for (const message of await chain(net, rounds(3, 24))) {
        collector.hear(message);
        await collector.idle();
      }
      expect(events.every(({ kind }) => kind === 'archived')).toBe(true);
      expect((await folder.list()).map(({ round }) => round)).toEqual(rounds(3, 24));
      expect(await kept()).toEqual([3, 10, 20]);
      expect(net.asked.filter(({ cid }) => cid.startsWith('bafk'))).toHaveLength(3);
      await collector.stop();

      // Another process knows what the disk has.
      const again = collect(net);
      const [, , , ...rest] = await chain(net, [22, 23, 24, 25, 26]);
      for (const message of rest) {
        again.collector.hear(message);
        await again.collector.idle();
      }
      expect(await kept()).toEqual([3, 10, 20]);
    });

    it('[P-123] are kept where a device does not go on from its last recorded round, and after k rounds at most', async () => {
      const net = await swarm();
      const { collector } = collect(net, { stateEvery: 7 });
      // Round 5 was never heard, and rounds 7 and 14 were sat out.
      const all = [3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 15];
      const messages = await chain(net, all);
      for (const [index, message] of messages.entries()) {
        if (all[index] === 5) continue;
        collector.hear(message);
        await collector.idle();
      }
      expect(await kept()).toEqual([3, 6, 13]);
    });

    it('[P-123] that are asked for are fetched and proved, or given up in words', async () => {
      const net = await swarm();
      const { collector, events } = collect(net);
      const messages = await chain(net, [1, 2, 3, 4]);
      for (const message of messages) {
        collector.hear(message);
        await collector.idle();
      }
      events.splice(0);
      const wanted = { device: ANNA.address, round: 3 };
      await folder.wanted.add(wanted);
      await collector.answerRequests();
      expect(await kept()).toEqual([1, 3]);
      expect(events).toMatchObject([{ kind: 'state', record: { round: 3 } }]);
      expect(await folder.wanted.list()).toEqual([]);

      // A record whose published file has another root.
      const record = await folder.record(ANNA.address, 4);
      if (record === undefined) throw new Error('Round 4 was not recorded.');
      await folder.save({ ...record, checkpointRoot: `0x${'ab'.repeat(32)}` });
      await folder.wanted.add({ ...wanted, round: 4 });
      await folder.wanted.add({ ...wanted, round: 9 });
      for (let tries = 0; tries < 5; tries++) await collector.answerRequests();
      expect(events.slice(1)).toMatchObject([
        { kind: 'no state', cause: expect.stringContaining('not the attested') },
      ]);
      expect([await kept(), await folder.wanted.list()]).toEqual([[1, 3], []]);
      await collector.stop();
    });

    it('[P-123] of a device that fell silent are fetched while somebody has them', async () => {
      const net = await swarm();
      const { collector, events } = collect(net);
      for (const message of await chain(net, [1, 2, 3])) collector.hear(message);
      await collector.idle();
      for (const round of [4, 5]) {
        const own = encodeRollouts(rolloutsOf(`ben ${round}`, BEN));
        await net.publisher.publishObject(own.bytes);
        const file = checkpointOf(100 + round);
        const message = await attestOf(net, round, {
          ...{ rollouts: own.cid, rolloutDigest: digestInCid(own.cid) },
          ...{ checkpoint: await net.publisher.publishFile(file), checkpointRoot: checkpointRoot(file) },
        });
        collector.hear(
          message.type === 'attest'
            ? decodeMessage(encodeMessage(BEN, RUN, { type: 'attest', round, seq: 1, body: message.body }))
            : message,
        );
        await collector.idle();
        expect(events.filter(({ kind }) => kind === 'state')).toHaveLength(round === 4 ? 0 : 1);
      }
      expect((await kept()).filter((round) => round <= 3)).toEqual([1, 3]);
      await collector.stop();
    });

    it('[P-123] the oldest kept one stays with the rounds since, so that each kept round can be recomputed', async () => {
      const net = await swarm();
      const { collector } = collect(net, { keepRounds: 10, stateEvery: 7 });
      for (const message of await chain(net, rounds(1, 40))) {
        collector.hear(message);
        await collector.idle();
      }
      const left = (await folder.list()).map(({ round }) => round);
      expect(left).toEqual(rounds(28, 40));
      expect(await kept()).toEqual([28, 35]);
    });
  });
});
