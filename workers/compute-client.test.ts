import { afterEach, describe, expect, expectTypeOf, it } from 'vitest';
import { parseSafetensors } from '../models/checkpoint/safetensors.ts';
import { BaseLibrary } from '../models/loading/base-library.ts';
import { blobSource } from '../models/loading/blob-source.ts';
import { describeFiles } from '../models/loading/describe-files.ts';
import { StorageFullError } from '../models/storage/directory.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import { encodeSwarmSpec } from '../protocol/swarm-spec-codec.ts';
import { smallSpec } from '../protocol/testing/sample-swarm-specs.ts';
import type { RoundContext, RoundOutcome, Trainer } from '../protocol/trainer.ts';
import { DEFAULT_RETENTION, openCheckpointRetention } from '../training/checkpoint-retention.ts';
import { DEFAULT_SETTINGS } from '../training/learning-settings.ts';
import type { ComputeClient } from './compute-client.ts';
import { mergeCheckpoint } from './merge-checkpoint.ts';
import { ComputeError, fromPlainError, toPlainError } from './plain-error.ts';
import { type ComputeChannel, openComputeChannel, SMALL_MODEL_URL } from './testing/compute-channel.ts';
import { smallModel } from './testing/small-model.ts';

const DEVICE = `0x${'a1'.repeat(20)}` as DeviceAddress;
const context: RoundContext = { round: 3, seed: `0x${'12'.repeat(32)}`, device: DEVICE };
const start = {
  device: DEVICE,
  model: { kind: 'published', url: SMALL_MODEL_URL },
  engine: 'reference',
  threads: 1,
} as const;
const signal = new AbortController().signal;

let channel: ComputeChannel | undefined;
afterEach(() => channel?.close());

function connect(options: { readonly capacity?: number } = {}): ComputeChannel {
  channel = openComputeChannel(options);
  return channel;
}

describe('the compute worker behind messages', () => {
  it('gives the stored checkpoint without an engine, and evaluates with one', async () => {
    const { client } = connect();
    expect(await client.stored({ device: DEVICE })).toBeNull();
    const { root } = await client.start(start);
    expect((await client.evaluate()).answering).toBeLessThanOrEqual(1);
    await client.stop();
    expect(await client.stored({ device: DEVICE })).toMatchObject({ root, cursor: 0 });
  });

  it('starts, reports what it fetches, answers, trains, and gives the checkpoint', async () => {
    const { client, events } = connect();
    const started = await client.start(start);
    expect(started).toMatchObject({ cursor: 0, engine: { kind: 'reference', reason: 'requested' } });
    // Events travel on a channel of their own, so they may come a moment after the result.
    await expect
      .poll(() => events.at(-1))
      .toMatchObject({ kind: 'engine', engine: { verdicts: [{ same: 2 }] } });
    expect(events.filter(({ kind }) => kind === 'download').length).toBeGreaterThanOrEqual(3);
    const prompts = await client.prompts(context);
    const set = await client.answer(context, signal);
    expect(prompts).toHaveLength(DEFAULT_SETTINGS.itemsPerRound);
    expect(set.groups).toHaveLength(DEFAULT_SETTINGS.itemsAnswered);
    expect(set.modelRoot).toBe(started.root);
    const own = { author: DEVICE, cid: 'own', set };
    expect(await client.critique(context, [], signal)).toEqual([]);
    expect(await client.vote(context, [own], [], signal)).toHaveProperty('ballots');
    const outcome = await client.train(context, own, [], signal);
    expect(outcome.previousRoot).toBe(started.root);
    expect(await client.checkpoint()).toMatchObject({ root: outcome.checkpointRoot, cursor: 4 });
    await client.stop();
    await client.start(start);
    await client.stop();
  });

  it('[P-122] keeps checkpoints for others within the quota that the page names, as its page reads them', async () => {
    const { client, kept } = connect();
    const rounds = [3, 4, 5];
    const outcomes: RoundOutcome[] = [];
    const retention = openCheckpointRetention({ directory: kept, policy: DEFAULT_RETENTION });
    await client.start({ ...start, keep: { every: 10, quota: 2 ** 30 } });
    for (const round of rounds) {
      const of = { ...context, round };
      const own = { author: DEVICE, cid: 'own', set: await client.answer(of, signal) };
      outcomes.push(await client.train(of, own, [], signal));
    }
    await client.stop();
    const [first, , last] = outcomes;
    // The first and the last; no tenth round lies between.
    expect((await retention.list()).map(({ round, root }) => ({ round, root }))).toEqual([
      { round: 3, root: first?.checkpointRoot },
      { round: 5, root: last?.checkpointRoot },
    ]);
    const size = last?.checkpoint.length ?? 0;
    expect(await retention.read(last?.checkpointRoot ?? '0x', 0, size)).toEqual(last?.checkpoint);

    // Another visit has less room: the last one alone is kept.
    await client.start({ ...start, keep: { every: 10, quota: size } });
    const own = { author: DEVICE, cid: 'own', set: await client.answer({ ...context, round: 6 }, signal) };
    await client.train({ ...context, round: 6 }, own, [], signal);
    await client.stop();
    expect((await retention.list()).map(({ round }) => round)).toEqual([6]);
  });

  it('passes an abort on, before and during a call', async () => {
    const { client } = connect();
    await client.start(start);
    const before = AbortSignal.abort();
    await expect(client.answer(context, before)).rejects.toMatchObject({ name: 'AbortError' });
    const controller = new AbortController();
    const answer = client.answer(context, controller.signal);
    setTimeout(() => controller.abort(), 5);
    await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
    await client.stop();
  });

  it('trains adapters beside a model of this device, and says when its files are gone', async () => {
    const { client, models } = connect();
    const small = smallModel();
    const files = await Promise.all(
      (['config.json', 'tokenizer.json', 'model.safetensors'] as const).map(async (name) => {
        return new File([new Uint8Array(await small.file(name))], name);
      }),
    );
    const described = await describeFiles(blobSource(files), { signal, onProgress: () => undefined });
    const base = {
      ...({ kind: 'files', name: 'small', root: described.root } as const),
      files: described.files.map(({ name, size, sha256 }) => ({
        ...{ path: name, size, sha256: `0x${sha256}` as const, urls: [] },
      })),
    };
    const obtained = await new BaseLibrary({ directory: models }).take(base, blobSource(files));
    if (obtained.kind !== 'whole') throw new Error('The model is not whole.');
    const trained = { kind: 'adapters', rank: 2, alpha: 4, targets: ['q_proj', 'v_proj'] } as const;
    const tasks = { generators: [{ id: 'sums', version: 1, difficulties: [0] }], dataSets: [] };
    const spec = encodeSwarmSpec({ ...smallSpec, base, trained, tasks }).bytes;
    const stored = { ...start, spec, model: { ...obtained, kind: 'stored' } } as const;
    const { root } = await client.start(stored);
    expect(await client.ask('1+1')).toMatchObject({ before: expect.any(String) });
    const checkpoint = await client.checkpoint();
    expect(checkpoint).toMatchObject({ root, cursor: 0 });
    await client.stop();

    const merge = { source: blobSource(files), checkpoint: checkpoint.bytes, signal };
    const merged = parseSafetensors(await mergeCheckpoint(merge)).tensors;
    const [, , weights] = files;
    const before = parseSafetensors(new Uint8Array((await weights?.arrayBuffer()) ?? [])).tensors;
    // The first adapters add nothing.
    expect(merged.get('model.norm.weight')?.data).toEqual(before.get('model.norm.weight')?.data);
    const other = new File([await changed(weights)], 'model.safetensors');
    const wrong = { ...merge, source: blobSource([...files.slice(0, 2), other]) };
    await expect(mergeCheckpoint(wrong)).rejects.toThrow(/belong to weights with root/);

    await models.remove(obtained.id);
    await expect(client.start(stored)).rejects.toThrow(/has no config.json/);
  });

  it('names failures by kind, and starts again after one', async () => {
    const { client } = connect({ capacity: 100 });
    const failure = await client.start(start).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ComputeError);
    expect(failure).toMatchObject({ kind: 'storage-full', origin: 'StorageFullError' });
    await expect(client.answer(context, signal)).rejects.toThrow('not been started');
    await expect(
      client.start({ ...start, model: { kind: 'published', url: 'http://model.test/other/' } }),
    ).rejects.toMatchObject({
      kind: 'model-unreachable',
    });
  });
});

/** The file with another last weight. */
async function changed(file: File | undefined): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array((await file?.arrayBuffer()) ?? []);
  bytes[bytes.length - 2] = (bytes.at(-2) ?? 0) ^ 1;
  return bytes;
}

it('has the types of the trainer that it stands for', () => {
  expectTypeOf<ComputeClient>().toExtend<Trainer>();
  expectTypeOf<ComputeClient['train']>().toEqualTypeOf<Trainer['train']>();
});

describe('plain errors', () => {
  it('survive a structured clone with kind and message', () => {
    const full = structuredClone(toPlainError(new StorageFullError(5)));
    expect(fromPlainError(full)).toMatchObject({ kind: 'storage-full', name: 'ComputeError' });
    expect(fromPlainError(toPlainError('just text')).message).toBe('just text');
    expect(fromPlainError(toPlainError(AbortSignal.abort().reason)).name).toBe('AbortError');
  });
});
