import * as Comlink from 'comlink';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Engine } from '../compute/engines/engine.ts';
import { createReferenceEngine } from '../compute/engines/reference.ts';
import { StorageFullError } from '../models/storage/directory.ts';
import { openMemoryDirectory } from '../models/storage/memory-directory.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import type { RoundContext } from '../protocol/trainer.ts';
import { openCheckpointStore } from '../training/durable-checkpoint-store.ts';
import type { ComputeEvent } from './compute-api.ts';
import { type ComputeClient, connectCompute } from './compute-client.ts';
import { createComputeService } from './compute-service.ts';
import { ComputeError, fromPlainError, toPlainError } from './plain-error.ts';
import { smallModel } from './testing/small-model.ts';

const DEVICE = `0x${'a1'.repeat(20)}` as DeviceAddress;
const context: RoundContext = { round: 3, seed: `0x${'12'.repeat(32)}`, device: DEVICE };
const start = {
  device: DEVICE,
  modelUrl: 'http://model.test/nano/',
  engine: 'reference',
  threads: 1,
} as const;
const signal = new AbortController().signal;

let close = () => {};
afterEach(() => close());

/** The reference engine, letting messages in between runs as the other engines do. */
function politeReference(): Engine {
  const engine = createReferenceEngine();
  return {
    kind: engine.kind,
    description: engine.description,
    allocate: (shape, dtype) => engine.allocate(shape, dtype),
    write: (tensor, data) => engine.write(tensor, data),
    read: (tensor) => engine.read(tensor),
    free: (tensor) => engine.free(tensor),
    async run(program, bindings, options) {
      await new Promise((resolve) => setImmediate(resolve));
      await engine.run(program, bindings, options);
    },
    stop: () => engine.stop(),
  };
}

/** Service and client on the two ends of a real message channel, so that everything is cloned as between threads. */
function connect(options: { readonly capacity?: number } = {}): {
  readonly client: ComputeClient;
  readonly events: ComputeEvent[];
} {
  const model = smallModel();
  const directory = openMemoryDirectory(options.capacity === undefined ? {} : { capacity: options.capacity });
  const { port1, port2 } = new MessageChannel();
  close = () => port1.close();
  Comlink.expose(
    createComputeService({
      openStore: async () => openCheckpointStore(directory),
      chooseEngine: async () => ({
        engine: politeReference(),
        reason: 'asked for',
        verdicts: [{ kind: 'reference', description: 'reference', checks: 2, same: 2 }],
      }),
      fetcher: async (input) => {
        const name = String(input).replace(start.modelUrl, '');
        if (name !== 'config.json' && name !== 'tokenizer.json' && name !== 'model.safetensors')
          return new Response(null, { status: 404 });
        const bytes = (await model.file(name)) as Uint8Array<ArrayBuffer>;
        return new Response(bytes, { headers: { 'content-length': String(bytes.byteLength) } });
      },
    }),
    port1 as unknown as Comlink.Endpoint,
  );
  const events: ComputeEvent[] = [];
  return {
    client: connectCompute(port2 as unknown as Comlink.Endpoint, (event) => events.push(event)),
    events,
  };
}

describe('the compute worker behind messages', () => {
  it('gives the stored checkpoint without an engine, and measures with one', async () => {
    const { client } = connect();
    expect(await client.stored({ device: DEVICE })).toBeNull();
    const { root } = await client.start(start);
    expect((await client.measure()).answering).toBeLessThanOrEqual(1);
    await client.stop();
    expect(await client.stored({ device: DEVICE })).toMatchObject({ root, cursor: 0 });
  });

  it('starts, tells what it fetches, answers, trains, and gives the checkpoint', async () => {
    const { client, events } = connect();
    const started = await client.start(start);
    expect(started).toMatchObject({ cursor: 0, engine: { kind: 'reference', reason: 'asked for' } });
    // Events travel on a channel of their own, so they may come a moment after the result.
    await vi.waitFor(() =>
      expect(events.at(-1)).toMatchObject({ kind: 'engine', engine: { verdicts: [{ same: 2 }] } }),
    );
    expect(events.filter(({ kind }) => kind === 'download').length).toBeGreaterThanOrEqual(3);
    const prompts = await client.prompts(context);
    const set = await client.answer(context, signal);
    expect(set.groups).toHaveLength(prompts.length);
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
  }, 120_000);

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

describe('plain errors', () => {
  it('survive a structured clone with kind and message', () => {
    const full = structuredClone(toPlainError(new StorageFullError(5)));
    expect(fromPlainError(full)).toMatchObject({ kind: 'storage-full', name: 'ComputeError' });
    expect(fromPlainError(toPlainError('just text')).message).toBe('just text');
    expect(fromPlainError(toPlainError(AbortSignal.abort().reason)).name).toBe('AbortError');
  });
});
