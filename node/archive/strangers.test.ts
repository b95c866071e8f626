import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkpointRoot } from '../../models/checkpoint/root.ts';
import { float32Tensor, serializeSafetensors } from '../../models/checkpoint/safetensors.ts';
import { UNTESTED } from '../../protocol/conformance-report.ts';
import { deviceKey } from '../../protocol/device-key.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import type { Standing } from '../../protocol/standing.ts';
import { decodeRequest, encodeResponse } from '../../swarm/content/frames.ts';
import { CHUNK, cidFromDigest, encodeManifest } from '../../swarm/content/manifest.ts';
import { startContent } from '../../swarm/content/service.ts';
import { MemoryStore } from '../../swarm/content/store.ts';
import type { AttestBody } from '../../swarm/messages/bodies.ts';
import { decodeMessage, encodeMessage, type Message } from '../../swarm/messages/envelope.ts';
import { cidOf, DAG_CBOR, digestInCid, encodeRollouts, RAW } from '../../swarm/messages/rollouts.ts';
import { systemScheduler, wait } from '../../swarm/scheduler.ts';
import { MemoryNetwork } from '../../swarm/testing/memory-transport.ts';
import { type ArchiveFolder, openArchiveFolder } from './archive-folder.ts';
import { ArchiveCollector, type ArchiveEvent, type CollectorOptions } from './collector.ts';

const RUN = `31337:0x${'5c'.repeat(20)}:0`;
const MIB = 1024 * 1024;
const zeros: Hex = `0x${'00'.repeat(32)}`;
const keyOf = (n: number) => deviceKey(new Uint8Array(32).fill(n));
const STRANGER = keyOf(7);
const HONEST = keyOf(8);

let home = '';
let folder: ArchiveFolder;
let network: MemoryNetwork;
let events: ArchiveEvent[];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'starling-strangers-'));
  folder = await openArchiveFolder(home);
  network = new MemoryNetwork();
  events = [];
});
afterEach(() => rm(home, { recursive: true, force: true }));

async function bytesIn(path: string): Promise<number> {
  let sum = 0;
  for (const name of await readdir(path)) {
    const found = await stat(join(path, name));
    sum += found.isDirectory() ? await bytesIn(join(path, name)) : found.size;
  }
  return sum;
}

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest());

/** A peer that serves a file of as many equal chunks as it likes, and objects, each after a delay. */
async function hostile(options: {
  readonly chunks: number;
  readonly delayMs?: number;
  readonly objects?: number;
  /** Devices whose rollout sets it serves. Defaults to the stranger. */
  readonly authors?: readonly DeviceAddress[];
}) {
  const { chunks, delayMs = 0, objects = 0, authors = [STRANGER.address] } = options;
  const chunk = new Uint8Array(CHUNK).fill(0x5a);
  const hashes = new Uint8Array(32 * chunks);
  for (let i = 0; i < chunks; i++) hashes.set(sha256(chunk), 32 * i);
  const manifest = encodeManifest({ size: CHUNK * chunks, hashes });
  const known = new Map<string, Uint8Array>();
  for (let i = 0; i < objects; i++) {
    const object = new Uint8Array(MIB).fill(i + 1);
    known.set(cidOf(object, DAG_CBOR), object);
  }
  const foreign = [...known.keys()];
  const rollouts = authors.map((author) => {
    const { bytes, cid } = encodeRollouts({ author, modelRoot: zeros, groups: [] });
    known.set(cid, bytes);
    return cid;
  });
  const sent = { chunks: 0, objects: 0 };
  await network.transport(STRANGER.peerId).serve(async (channel) => {
    const { signal } = new AbortController();
    try {
      for (;;) {
        const { kind, index, cid } = decodeRequest(await channel.read(signal));
        await wait(systemScheduler, delayMs);
        if (kind === 'chunk') sent.chunks++;
        if (kind === 'object' && !rollouts.includes(cid)) sent.objects++;
        const bytes = kind === 'manifest' ? manifest : kind === 'chunk' ? chunk : known.get(cid);
        const response =
          bytes === undefined
            ? ({ status: 'absent', index } as const)
            : { status: 'found' as const, index, bytes };
        await channel.write(encodeResponse({ bytes: new Uint8Array(), ...response }), signal);
      }
    } catch {
      channel.close();
    }
  });
  return { sent, foreign, file: cidFromDigest(sha256(manifest), RAW), rollouts };
}

function attest(key: typeof STRANGER, round: number, body: Partial<AttestBody>): Message<'attest'> {
  return decodeMessage(
    encodeMessage(key, RUN, {
      type: 'attest',
      round,
      seq: round,
      body: {
        checkpointRoot: `0x${'11'.repeat(32)}`,
        rolloutDigest: zeros,
        signature: `0x${'11'.repeat(65)}`,
        previousRoot: zeros,
        checkpoint: '',
        rollouts: '',
        foreign: [],
        engine: 'wasm',
        conformance: UNTESTED,
        optimizerSteps: 2,
        meanReward: 0.5,
        heldOutAccuracy: 0.5,
        ...body,
      },
    }),
  ) as Message<'attest'>;
}

const attestOf = (peer: Awaited<ReturnType<typeof hostile>>, round = 1, body: Partial<AttestBody> = {}) => {
  const rollouts = body.rollouts ?? peer.rollouts[0] ?? '';
  const rolloutDigest = digestInCid(rollouts);
  return attest(STRANGER, round, { checkpoint: peer.file, rollouts, rolloutDigest, ...body });
};

async function collect(options: Partial<CollectorOptions> = {}) {
  const content = await startContent({
    store: folder.content,
    transport: network.transport('archive'),
    scheduler: systemScheduler,
  });
  return new ArchiveCollector({
    run: RUN,
    folder,
    content,
    seedOf: () => zeros,
    neighbours: () => [],
    standingOf: async (device): Promise<Standing> => ({
      kind: device === HONEST.address ? 'known' : 'unknown',
    }),
    scheduler: systemScheduler,
    maxCheckpointBytes: 2 * MIB,
    roundDeadlineMs: 20_000,
    onEvent: (event) => events.push(event),
    ...options,
  });
}

/** An honest device with one published round. */
async function honestRound(round: number): Promise<Message<'attest'>> {
  const file = serializeSafetensors({
    tensors: new Map([['weight', float32Tensor([2], Float32Array.of(round, 2))]]),
    metadata: new Map(),
  });
  const own = encodeRollouts({ author: HONEST.address, modelRoot: zeros, groups: [] });
  const publisher = await startContent({
    store: new MemoryStore(),
    transport: network.transport(HONEST.peerId),
    scheduler: systemScheduler,
  });
  await publisher.publishObject(own.bytes);
  return attest(HONEST, round, {
    checkpointRoot: checkpointRoot(file),
    rolloutDigest: digestInCid(own.cid),
    checkpoint: await publisher.publishFile(file),
    rollouts: own.cid,
  });
}

const causes = () => events.map((event) => (event.kind === 'refused' ? event.cause : event.kind));

describe('an archive among strangers', () => {
  it('refuses a file that is larger than the model before its first chunk', async () => {
    const peer = await hostile({ chunks: 2400 });
    const collector = await collect();
    collector.hear(attestOf(peer));
    await collector.idle();
    expect(causes()).toEqual([expect.stringContaining('at most 2097152 are taken')]);
    expect(peer.sent.chunks).toBe(0);
    expect(await bytesIn(home)).toBe(0);
  });

  it('leaves nothing of a file of the right size that is no checkpoint, and asks for no foreign rollouts', async () => {
    const peer = await hostile({ chunks: 4, objects: 8 });
    const collector = await collect();
    collector.hear(attestOf(peer, 1, { foreign: peer.foreign }));
    await collector.idle();
    expect(events).toMatchObject([{ kind: 'refused' }]);
    expect(peer.sent).toEqual({ chunks: 4, objects: 0 });
    expect(await bytesIn(home)).toBe(0);
  });

  it('ends a round whose peer answers slowly, however often it answers', async () => {
    const peer = await hostile({ chunks: 8, delayMs: 400 });
    const collector = await collect({ roundDeadlineMs: 500 });
    const began = performance.now();
    collector.hear(attestOf(peer));
    await collector.idle();
    expect(causes()).toEqual([expect.stringContaining('No answer within 500 ms')]);
    expect(performance.now() - began).toBeLessThan(3500);
    expect(await bytesIn(home)).toBe(0);
  });

  it('counts what strangers send together, refused or not, and stops at their share of the day', async () => {
    const peer = await hostile({ chunks: 4 });
    const collector = await collect({ strangerBytesADay: 1.5 * MIB });
    for (let round = 1; round <= 4; round++) {
      collector.hear(attestOf(peer, round));
      await collector.idle();
    }
    expect(peer.sent.chunks).toBeLessThanOrEqual(11);
    expect(causes().at(-1)).toContain('Bind the device to an owner');
    collector.hear(await honestRound(5));
    await collector.idle();
    expect(causes().at(-1)).toBe('archived');
  });

  it('takes no more from one device than its bytes of a day, and nothing when the disk is full', async () => {
    const first = await collect({ bytesEachDay: 10 });
    first.hear(await honestRound(1));
    await first.idle();
    expect(causes()).toEqual([expect.stringContaining('more than the 10 bytes')]);
    const second = await collect({ diskBytes: 0 });
    second.hear(await honestRound(1));
    await second.idle();
    expect(causes().at(-1)).toContain('no room');
    expect(await bytesIn(home)).toBe(0);
  });

  it('fetches a known device’s round while strangers fill every place and hold one', async () => {
    const authors = Array.from({ length: 300 }, (_, n): Hex => `0x${(n + 1).toString(16).padStart(40, '0')}`);
    const peer = await hostile({ chunks: 8, delayMs: 100, authors });
    const collector = await collect();
    for (const [n, author] of authors.entries())
      collector.hear({ ...attestOf(peer, n + 1, { rollouts: peer.rollouts[n] }), author });
    collector.hear(await honestRound(5));
    await expect.poll(() => causes().includes('archived'), { timeout: 60_000 }).toBe(true);
    await collector.stop();
    expect((await folder.list()).map(({ device }) => device)).toEqual([HONEST.address]);
  });

  it('forgets what a crash left in the staging folder', async () => {
    const staging = await folder.stage(MIB);
    await staging.store.putObject(cidOf(Uint8Array.of(0xa0), DAG_CBOR), Uint8Array.of(0xa0));
    expect(await bytesIn(home)).toBe(1);
    const next = await openArchiveFolder(home);
    expect(await bytesIn(home)).toBe(1);
    await next.stage(MIB);
    expect(await bytesIn(home)).toBe(0);
  });
});
