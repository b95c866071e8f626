import { afterEach, describe, expect, expectTypeOf, it } from 'vitest';
import { StorageFullError } from '../models/storage/directory.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import type { RoundContext, Trainer } from '../protocol/trainer.ts';
import { DEFAULT_SETTINGS } from '../training/learning-settings.ts';
import type { ComputeClient } from './compute-client.ts';
import { ComputeError, fromPlainError, toPlainError } from './plain-error.ts';
import { type ComputeChannel, openComputeChannel, SMALL_MODEL_URL } from './testing/compute-channel.ts';

const DEVICE = `0x${'a1'.repeat(20)}` as DeviceAddress;
const context: RoundContext = { round: 3, seed: `0x${'12'.repeat(32)}`, device: DEVICE };
const start = { device: DEVICE, modelUrl: SMALL_MODEL_URL, engine: 'reference', threads: 1 } as const;
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

  it('names failures by kind, and starts again after one', async () => {
    const { client } = connect({ capacity: 100 });
    const failure = await client.start(start).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ComputeError);
    expect(failure).toMatchObject({ kind: 'storage-full', origin: 'StorageFullError' });
    await expect(client.answer(context, signal)).rejects.toThrow('not been started');
    await expect(client.start({ ...start, modelUrl: 'http://model.test/other/' })).rejects.toMatchObject({
      kind: 'model-unreachable',
    });
  });
});

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
