import * as Comlink from 'comlink';
import { afterEach, describe, expect, it } from 'vitest';
import { createReferenceEngine } from '../compute/engines/reference.ts';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import { FrozenSession } from '../models/decoder/frozen-session.ts';
import { generationHash } from '../models/decoder/generation-hash.ts';
import { seededStream } from '../models/decoder/seeded-stream.ts';
import { BaseLibrary } from '../models/loading/base-library.ts';
import { blobSource } from '../models/loading/blob-source.ts';
import { ModelLibrary } from '../models/loading/library.ts';
import { openModel } from '../models/loading/open-model.ts';
import { MODELS, opfsModelDirectory } from '../models/loading/opfs-model-directory.ts';
import { openMemoryModelDirectory } from '../models/loading/testing/memory-model-directory.ts';
import { startModelServer } from '../models/loading/testing/model-server.ts';
import { TINY, tinyFiles } from '../models/loading/testing/tiny-model.ts';
import { characterTokenizerJson } from '../models/tokenizer/character-vocabulary.ts';
import { beginTemplate } from '../models/tokenizer/testing/small-tokenizers.ts';
import type { AskModel, ModelEvent, PickedBlob, TrainModel } from './model-api.ts';
import { connectModels, type ModelClient } from './model-client.ts';
import { createModelService } from './model-service.ts';

/** Polling of events, which a busy machine may delay by seconds. */
const SOON = { timeout: 60_000 };

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/**
 * Service and client on the two ends of a real message channel, so that everything is cloned as between
 * threads.
 */
function connect(options: { readonly deviceMemory?: number } = {}) {
  const { port1, port2 } = new MessageChannel();
  closing.push(() => port1.close());
  const directory = openMemoryModelDirectory();
  Comlink.expose(
    createModelService({
      library: new ModelLibrary({ directory }),
      bases: new BaseLibrary({ directory }),
      chooseEngine: async () => ({
        engine: await createWasmEngine({ threads: 1 }),
        reason: 'It was requested.',
        verdicts: [],
      }),
      deviceMemory: options.deviceMemory,
      now: () => performance.now(),
    }),
    port1 as unknown as Comlink.Endpoint,
  );
  const events: ModelEvent[] = [];
  const call = connectModels(port2 as unknown as Comlink.Endpoint, (event) => events.push(event));
  return { call, events };
}

const files = tinyFiles();
const picked = (from: Record<string, Uint8Array> = files): PickedBlob[] =>
  Object.entries(from).map(([name, bytes]) => ({
    name,
    path: `tiny/${name}`,
    blob: new Blob([new Uint8Array(bytes)]),
  }));

async function loaded(call: ModelClient, from = files, positions = 48): Promise<void> {
  await call('open', { from: { kind: 'files', files: picked(from) } });
  await call('load', { engine: 'wasm', threads: 1, positions });
}

const ask: AskModel = {
  run: 1,
  prompt: '12+7=',
  chat: false,
  greedy: false,
  temperature: 1,
  topK: 0,
  topP: 1,
  seed: 5,
  maxNewTokens: 12,
  bare: false,
};
const lesson: TrainModel = {
  run: 1,
  source: { format: 'text', text: 'the swarm learns together. ' },
  fresh: true,
  rank: 4,
  alpha: 8,
  rows: 2,
  length: 12,
  recompute: false,
  rate: 0.05,
  steps: 12,
  seed: 1,
};

describe('the model worker', () => {
  it('puts the begin token of the tokenizer before a prompt and a training text', async () => {
    const { call } = connect();
    const tokenizer = { ...characterTokenizerJson(), post_processor: beginTemplate('<bos>') };
    await loaded(call, { ...files, 'tokenizer.json': new TextEncoder().encode(JSON.stringify(tokenizer)) });
    const answer = await call('generate', ask);
    expect(answer.promptTokens).toBe(ask.prompt.length + 1);
    const { tokens } = await call('train', { ...lesson, steps: 1 });
    expect(tokens).toBe(lesson.source.text.length + 1);
  });

  it('says what a model is and what it takes, loads it, and answers with the bits of any other engine', async () => {
    const { call, events } = connect({ deviceMemory: 8 });
    const summary = await call('open', { from: { kind: 'files', files: picked() } });
    expect(summary).toMatchObject({ family: 'qwen2', layers: 2, dtypes: ['BF16'], files: 1, chat: false });
    const fit = await call('fit', { engine: 'wasm', positions: 48, training: null });
    expect(fit).toMatchObject({ level: 'good', limit: { kind: 'device', atLeast: true } });
    expect(fit.need).toBeGreaterThan(summary.bytes);
    await expect(call('generate', ask)).rejects.toThrow('Load it first');

    const started = await call('load', { engine: 'wasm', threads: 1, positions: 48 });
    expect(started).toMatchObject({ engine: 'wasm', positions: 48, reason: 'It was requested.' });
    const answer = await call('generate', ask);
    expect(await call('generate', ask)).toMatchObject({ text: answer.text, hash: answer.hash });
    expect((await call('generate', { ...ask, seed: 6 })).hash).not.toBe(answer.hash);
    await expect
      .poll(() =>
        events
          .filter((event) => event.kind === 'text')
          .slice(0, answer.tokens.length)
          .map(({ text }) => text)
          .join(''),
      )
      .toBe(answer.text);
    expect(events.filter(({ kind }) => kind === 'load').at(-1)).toMatchObject({ kind: 'load' });

    const model = await openModel(blobSource(picked().map(({ name, blob }) => new File([blob], name))));
    const session = await FrozenSession.create({ engine: createReferenceEngine(), positions: 48, ...model });
    const uniforms = seededStream(5, 'sampling');
    const [row] = await session.generate({
      prompts: [model.tokenizer.encode(ask.prompt)],
      maxNewTokens: 12,
      endToken: model.generation.endTokens,
      uniform: (item, position) => uniforms.uniform(item, 0, position),
    });
    expect(row?.tokens).toEqual(answer.tokens);
    expect(row === undefined ? '' : generationHash(row)).toBe(answer.hash);
    await expect(call('generate', { ...ask, maxNewTokens: 60 })).rejects.toThrow('load the model with more');
    await expect(call('generate', { ...ask, chat: true })).rejects.toThrow('no chat template');
    await call('close', {});
    await expect(call('fit', { engine: 'wasm', positions: 8, training: null })).rejects.toThrow('Choose one');
  });

  it('trains an adapter in any number of calls, gives it away and takes it in again', async () => {
    const { call, events } = connect();
    await loaded(call);
    await expect(call('adapterFiles', { base: 'tiny' })).rejects.toThrow('no adapter');
    const plain = await call('generate', ask);
    const whole = await call('train', lesson);
    expect(whole.losses).toHaveLength(12);
    expect(whole.losses.at(-1)).toBeLessThan(whole.losses[0] ?? 0);
    expect(whole.adapter).toMatchObject({ steps: 12, lora: { rank: 4, alpha: 8 } });
    const inOne = await call('adapterFiles', { base: 'tiny' });
    const adapted = await call('generate', ask);
    expect(adapted.hash).not.toBe(plain.hash);
    expect((await call('generate', { ...ask, bare: true })).hash).toBe(plain.hash);

    const first = await call('train', { ...lesson, run: 2, steps: 5 });
    const rest = await call('train', { ...lesson, run: 3, steps: 7, fresh: false });
    expect([...first.losses, ...rest.losses]).toEqual(whole.losses);
    expect((await call('adapterFiles', { base: 'tiny' })).root).toBe(inOne.root);
    await expect.poll(() => events.filter(({ kind }) => kind === 'step').length, SOON).toBe(24);

    const other = connect();
    await loaded(other.call);
    const checkpoint = { name: 'tiny-adapter.safetensors', bytes: inOne.checkpoint };
    expect(await other.call('adopt', { files: [checkpoint] })).toMatchObject({ steps: 12 });
    expect((await other.call('generate', ask)).hash).toBe(adapted.hash);
    expect((await other.call('adapterFiles', { base: 'tiny' })).root).toBe(inOne.root);
    expect(await other.call('adopt', { files: inOne.peft })).toMatchObject({ steps: 0 });
    expect((await other.call('generate', ask)).hash).toBe(adapted.hash);
    await expect(other.call('adopt', { files: inOne.peft.slice(0, 1) })).rejects.toThrow(
      'choose a checkpoint',
    );
  });

  it('ends training after a step when it is cancelled, and goes on from there', async () => {
    const { call, events } = connect();
    await loaded(call);
    const abort = new AbortController();
    const training = call('train', { ...lesson, steps: 100_000 }, abort.signal);
    await expect.poll(() => events.filter(({ kind }) => kind === 'step').length, SOON).toBeGreaterThan(2);
    abort.abort();
    const { stopped, adapter, losses } = await training;
    expect(stopped).toBe(true);
    expect(adapter.steps).toBe(losses.length);
    const next = await call('train', { ...lesson, steps: 1, fresh: false });
    expect(next.adapter.steps).toBe(losses.length + 1);
  });

  it('stops in the middle of an answer, of loading and of nothing, and goes on', async () => {
    const { call, events } = connect();
    const endless = tinyFiles({ config: { ...TINY, context: 4096 }, fields: { eos_token_id: [] } });
    await loaded(call, endless, 4096);
    const abort = new AbortController();
    const answering = call('generate', { ...ask, maxNewTokens: 4000 }, abort.signal);
    await expect.poll(() => events.some(({ kind }) => kind === 'text'), SOON).toBe(true);
    abort.abort(new DOMException('Stopped by you.', 'AbortError'));
    await expect(answering).rejects.toThrow('Stopped by you.');
    expect((await call('generate', ask)).tokens).toHaveLength(12);
    await expect(call('generate', ask, AbortSignal.abort())).rejects.toThrow();
    const training = call('train', { ...lesson, steps: 100_000 });
    await expect.poll(() => events.some(({ kind }) => kind === 'step'), SOON).toBe(true);
    // Another model in its place, while it works: the run in progress ends first.
    await call('open', { from: { kind: 'files', files: picked() } });
    await expect(training).rejects.toThrow('disposed');
    await expect(call('generate', ask)).rejects.toThrow('Load it first');
  });

  it('says that there is no storage where there is none', async () => {
    const { port1, port2 } = new MessageChannel();
    closing.push(() => port1.close());
    Comlink.expose(
      createModelService({
        library: new ModelLibrary({ directory: opfsModelDirectory(MODELS) }),
        bases: new BaseLibrary({ directory: opfsModelDirectory(MODELS) }),
        chooseEngine: () => Promise.reject(new Error('No engine here.')),
        deviceMemory: undefined,
        now: () => performance.now(),
      }),
      port1 as unknown as Comlink.Endpoint,
    );
    const call = connectModels(port2 as unknown as Comlink.Endpoint, () => undefined);
    await expect(call('stored', {})).rejects.toThrow('pick the files of a model');
    await expect(call('download', { url: 'https://model.test/' })).rejects.toThrow(
      'pick the files of a model',
    );
    expect(await call('open', { from: { kind: 'files', files: picked() } })).toMatchObject({ layers: 2 });
  });

  it('trains on lines of JSON, and refuses what it cannot read', async () => {
    const { call } = connect();
    await loaded(call);
    const text = '{"text": "one swarm"}\n\n{"text": "many birds"}\n';
    const jsonl = { ...lesson, steps: 1, source: { format: 'jsonl', text } } as const;
    // 9 and 10 characters, each with an end token.
    expect((await call('train', jsonl)).tokens).toBe(21);
    const bad = (line: string) => ({ ...jsonl, source: { format: 'jsonl', text: line } }) as const;
    await expect(call('train', bad('{"text": "fine"}\nnot json'))).rejects.toThrow('Line 2 is not JSON');
    await expect(call('train', bad('{"messages": [{"role": "cat"}]}'))).rejects.toThrow(
      'Line 1 has a message',
    );
    await expect(call('train', bad(''))).rejects.toThrow('The text is empty');
    await expect(call('train', { ...lesson, rank: 0 })).rejects.toThrow('rank must be');
  });

  it('refuses what is no model or does not fit, with the remedy', async () => {
    const { call } = connect({ deviceMemory: 0.25 });
    const open = (from: Record<string, Uint8Array>) =>
      call('open', { from: { kind: 'files', files: picked(from) } });
    const { 'config.json': config, ...headless } = files;
    await expect(open(headless)).rejects.toThrow('has no config.json; choose a folder');
    const weights = files['model.safetensors'] ?? new Uint8Array();
    await expect(open({ ...files, 'model.safetensors': weights.subarray(0, -8) })).rejects.toThrow();
    await expect(
      open({ ...files, 'config.json': new TextEncoder().encode('{"model_type":"gpt2"}') }),
    ).rejects.toThrow('use a Qwen2- or Llama-type model');
    expect(config).toBeDefined();
    await open(files);
    const training = { rank: 4, alpha: 8, rows: 256, length: 64, recompute: false };
    const fit = await call('fit', { engine: 'wasm', positions: 48, training });
    expect(fit.level).toBe('good');
    const large = await call('fit', {
      engine: 'wasm',
      positions: 48,
      training: { ...training, rows: 100_000 },
    });
    expect(large).toMatchObject({ level: 'stop', limit: { kind: 'wasm' } });
  });

  it('downloads into the library with progress, and can be cancelled', async () => {
    await using server = await startModelServer(files);
    const { call, events } = connect();
    server.habits.holds = { after: 2000, file: 'model.safetensors' };
    const abort = new AbortController();
    const downloading = call('download', { url: server.url }, abort.signal);
    await expect
      .poll(
        () => events.some((event) => event.kind === 'download' && event.file === 'model.safetensors'),
        SOON,
      )
      .toBe(true);
    abort.abort(new DOMException('Stopped by you.', 'AbortError'));
    await expect(downloading).rejects.toThrow('Stopped by you.');
    const [part] = await call('stored', {});
    expect(part).toMatchObject({ root: null });
    delete server.habits.holds;
    const model = await call('download', { url: server.url });
    expect(model).toMatchObject({ id: part?.id, verifiedBy: 'nobody' });
    expect(await call('open', { from: { kind: 'stored', id: model.id } })).toMatchObject({ layers: 2 });
    await call('load', { engine: 'wasm', threads: 1, positions: 48 });
    await call('remove', { id: model.id });
    expect(await call('stored', {})).toEqual([]);
    await expect(call('download', { url: 'http://example.com/model' })).rejects.toThrow(
      'not an https address',
    );
  });
});
