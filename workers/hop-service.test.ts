import * as Comlink from 'comlink';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Engine } from '../compute/engines/engine.ts';
import { createReferenceEngine } from '../compute/engines/reference.ts';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import { checkpointRoot } from '../models/checkpoint/root.ts';
import { parseSafetensors } from '../models/checkpoint/safetensors.ts';
import { decodeAdapters } from '../models/decoder/lora/adapter-state.ts';
import { directorySource } from '../models/loading/directory-source.ts';
import { openMemoryModelDirectory } from '../models/loading/testing/memory-model-directory.ts';
import { openMemoryDirectory } from '../models/storage/memory-directory.ts';
import type { FilePart } from '../protocol/file-part.ts';
import { must } from '../protocol/must.ts';
import { openBlockRun } from '../training/blocks/open-block-run.ts';
import { NANO_SELECTION } from '../training/tasks/catalogue.ts';
import { checkpointRootOf } from './block-member.ts';
import type { OpenBlocks, PageFiles } from './hop-api.ts';
import { connectHops } from './hop-client.ts';
import { createHopService } from './hop-service.ts';
import { publishedSource } from './published-model.ts';
import { smallModel } from './testing/small-model.ts';
import { wholeRun } from './whole-run.ts';

const MODEL = 'http://model.test/small/';
const OPEN: OpenBlocks = {
  model: { kind: 'published', url: MODEL },
  settings: {
    blocks: {
      ...{ layersPerBlock: 1, skipped: 0, fullEvery: 0 },
      ...{ microbatches: 2, rows: 2, length: 16, boundary: 'f32' },
    },
    seed: `0x${'11'.repeat(32)}`,
    tasks: NANO_SELECTION,
    learningRate: 1e-2,
  },
  dataSets: new Map(),
  engine: 'wasm',
  threads: 1,
  folder: ['blocks'],
};

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Service and client on the two ends of a real message channel, so that everything is cloned. */
function connect(
  makeEngine: () => Promise<Engine> = () => createWasmEngine({ threads: 1 }),
  files?: PageFiles,
) {
  const model = smallModel();
  const { port1, port2 } = new MessageChannel();
  closing.push(() => port1.close());
  Comlink.expose(
    createHopService({
      storedModel: (id, files) => directorySource(openMemoryModelDirectory(), id, files),
      chooseEngine: async () => ({ engine: await makeEngine(), reason: 'It is asked for.', verdicts: [] }),
      openFolder: async () => ({ files: openMemoryDirectory(), isTemporary: true }),
      fetcher: async (input) => {
        const name = String(input).slice(MODEL.length) as 'config.json';
        return new Response((await model.file(name)) as Uint8Array<ArrayBuffer>);
      },
    }),
    port1 as unknown as Comlink.Endpoint,
  );
  return connectHops(port2 as unknown as Comlink.Endpoint, { files });
}

describe('hop worker', () => {
  it('[S-12] refuses blocks that do not fit the model in a sentence, before it reads weights', async () => {
    const blocks = { ...OPEN.settings.blocks, layersPerBlock: 99 };
    const open = connect().open({ ...OPEN, settings: { ...OPEN.settings, blocks } });
    await expect(open).rejects.toThrow(/a block has 99 layers and the model \d+\. Open one with at most/);
  });

  it('[B-5] begins with blocks of a model, computes a hop, and gives files that another worker takes', async () => {
    const [one, other] = [connect(), connect(async () => createReferenceEngine())];
    const opened = await one.open(OPEN);
    await other.open(OPEN);
    expect(opened.blocks[0]?.id).toBe('embedding');
    expect(await other.dataRoots(0)).toEqual(await one.dataRoots(0));

    const begun = await one.begin('embedding');
    expect(begun).toMatchObject({ block: 'embedding', step: 0 });
    const loaded = await other.load(await one.file('embedding', 0));
    expect(loaded).toEqual(begun);
    const [mine, theirs] = await Promise.all(
      [one, other].map(async (client) => [...(await client.compute(0, 0, new Map()))]),
    );
    expect(mine?.map(([name, { root }]) => [name, root])).toEqual(
      theirs?.map(([name, { root }]) => [name, root]),
    );

    await one.release('embedding');
    await expect(one.file('embedding', 0)).rejects.toThrow('does not keep embedding');
    await Promise.all([one.stop(), other.stop()]);
    await expect(one.begin('embedding')).rejects.toThrow('open it first');
  });

  it('says what is wrong with a run, and can open another one after it', async () => {
    const client = connect();
    const bad = {
      ...OPEN,
      settings: { ...OPEN.settings, blocks: { ...OPEN.settings.blocks, length: 4096 } },
    };
    await expect(client.open(bad)).rejects.toThrow('4096');
    const short = { ...OPEN.settings, blocks: { ...OPEN.settings.blocks, length: 2 } };
    await expect(client.open({ ...OPEN, settings: short })).rejects.toThrow(
      'No question fits 2 tokens: use longer rows',
    );
    await client.open(OPEN);
    await expect(client.open(OPEN)).rejects.toThrow('stop it first');
    await expect(client.begin('layers.77')).rejects.toThrow('no block layers.77');
    await expect(client.load(new Uint8Array(7))).rejects.toThrow();
    await client.stop();
    await client.open(OPEN);
    await client.stop();
  });

  it('[B-11] puts the whole model together, with the root that its blocks compose', async () => {
    const client = connect();
    const { blocks } = await client.open(OPEN);
    const files: Uint8Array[] = [];
    for (const { id } of blocks) {
      await client.begin(id);
      files.push(await client.file(id, 0));
    }
    const whole = await client.assemble(files);
    const { run } = await openBlockRun({ source: publishedSource(smallModel()), ...OPEN });
    const composed = checkpointRootOf({ plan: run.plan, base: null }, 0, await client.firstRoots());
    expect(whole).toMatchObject({ step: 0, root: composed });
    expect(checkpointRoot(whole.bytes)).toBe(composed);
    await expect(client.assemble(files.slice(1))).rejects.toThrow('embedding is missing at step 0');
    await client.stop();
  });

  it.each<[string, { readonly vocabularyParts?: number }]>([
    ['[B-15] trains adapters beside the frozen weights of its blocks alone, to the bits of one device', {}],
    ['[B-18] does so with a part of the vocabulary in each block', { vocabularyParts: 3 }],
  ])('%s', async (_, parts) => {
    const lora = { rank: 2, alpha: 4, targets: ['q_proj', 'v_proj', 'down_proj'] } as const;
    const settings = { ...OPEN.settings, blocks: { ...OPEN.settings.blocks, ...parts } };
    const open = { ...OPEN, settings: { ...settings, lora } };
    const opened = await openBlockRun({ source: publishedSource(smallModel()), ...open });
    const { run, frozen } = opened;
    const base = await opened.base();
    const engine = createReferenceEngine();
    const first = await Promise.all(run.plan.blocks.map(({ id }) => opened.first(id)));
    const steps = wholeRun({ engine, run, first, frozen });
    const expected = [(await steps.next()).value, (await steps.next()).value];
    await steps.return(undefined);

    const [one, other] = [connect(), connect()];
    const { blocks } = await one.open(open);
    await other.open(open);
    expect(await one.base()).toBe(base);
    const keepers = new Map(blocks.map(({ id }, at) => [id, at % 3 === 0 ? one : other]));
    const roots = new Map(await one.firstRoots());
    for (const [id, client] of keepers) {
      const begun = await client.begin(id);
      for (const [name, root] of begun.roots) expect(roots.get(name)).toBe(root);
    }
    for (const step of [0, 1]) {
      const made = new Map<string, Uint8Array>();
      for (const { index, block, inputs, kind } of run.step(step).hops) {
        const given = inputs.flatMap((name) => (made.has(name) ? [[name, made.get(name)!] as const] : []));
        const client = keepers.get(block)!;
        for (const [name, { bytes, root }] of await client.compute(step, index, new Map(given))) {
          made.set(name, bytes);
          if (kind === 'update' && roots.has(name)) roots.set(name, root);
        }
      }
      expect(checkpointRootOf({ plan: run.plan, base }, step + 1, roots)).toBe(
        checkpointRootOf({ plan: run.plan, base }, step + 1, expected[step]!),
      );
    }
    const files = await Promise.all([...keepers].map(([id, client]) => client.file(id, 2)));
    const whole = await one.assemble(files);
    expect(whole).toMatchObject({ step: 2, root: checkpointRootOf({ plan: run.plan, base }, 2, roots) });
    expect(decodeAdapters(whole.bytes)).toMatchObject({ base, lora, state: { step: 2 } });
    expect(() => checkpointRootOf({ plan: run.plan, base: null }, 2, roots)).toThrow(
      'Adapters need the root',
    );
    await one.release('embedding');
    await expect(one.compute(2, 0, new Map())).rejects.toThrow('does not keep embedding');
    await Promise.all([one.stop(), other.stop()]);
  });

  it('[S-14] [S-15] reads of a model that the page reads for it what its blocks need, under the named root', async () => {
    const lora = { rank: 2, alpha: 4, targets: ['q_proj', 'v_proj', 'down_proj'] } as const;
    const frozenRoot = `0x${'5e'.repeat(32)}` as const;
    const model = smallModel();
    const names = ['config.json', 'tokenizer.json', 'model.safetensors'] as const;
    const contents = new Map<string, Uint8Array>();
    for (const name of names) contents.set(name, await model.file(name));
    const read: { readonly name: string; readonly begin: number; readonly end: number }[] = [];
    let isGone = false;
    const released: FilePart[] = [];
    const client = connect(undefined, {
      async read(name, offset, length) {
        if (isGone) throw new Error('The model is gone.');
        read.push({ name, begin: offset, end: offset + length });
        return new Uint8Array((contents.get(name) ?? new Uint8Array()).slice(offset, offset + length));
      },
      released: (parts) => released.push(...parts),
    });
    const files = names.map((name) => ({ name, size: contents.get(name)?.length ?? 0 }));
    const open = { ...OPEN, settings: { ...OPEN.settings, lora, frozenRoot } };
    const { blocks } = await client.open({ ...open, model: { kind: 'chunked', files } });
    expect(await client.base()).toBe(frozenRoot);
    await client.firstRoots();
    const weights = () => read.filter(({ name }) => name === 'model.safetensors');
    expect(weights()).toEqual([]);

    const block = must(blocks, 1).id;
    const begun = await client.begin(block);
    const opened = await openBlockRun({ source: publishedSource(model), ...open });
    const same = await opened.first(block);
    expect([...begun.roots.keys()].sort()).toEqual([...same.tensors.keys()].sort());
    const file = contents.get('model.safetensors') ?? new Uint8Array();
    const touched = [...parseSafetensors(file).tensors].filter(([, { data }]) => {
      const begin = data.byteOffset - file.byteOffset;
      return weights().some((part) => part.begin < begin + data.length && part.end > begin);
    });
    expect(new Set(touched.map(([name]) => /layers\.\d+/.exec(name)?.[0]))).toEqual(new Set(['layers.0']));
    await client.release(block);
    // Events travel apart from answers.
    await vi.waitFor(() => expect(released.length).toBeGreaterThan(5));
    const weighed = read.filter(({ begin, end, name }) =>
      released.some((part) => part.name === name && part.begin <= begin && part.end >= end),
    );
    expect(weighed.length).toBe(released.length);
    isGone = true;
    await expect(client.begin(must(blocks, 0).id)).rejects.toThrow('The model is gone.');
    await client.stop();
  });

  it('says that nobody reads for it', async () => {
    const files = [{ name: 'config.json', size: 9 }];
    const open = connect().open({ ...OPEN, model: { kind: 'chunked', files } });
    await expect(open).rejects.toThrow('Nobody reads config.json for the worker');
  });

  it('keeps files of the run’s folders, and paces its engine', async () => {
    const client = connect();
    await expect(client.listFiles('blocks')).rejects.toThrow('open it first');
    const opened = await client.open(OPEN);
    expect(opened).toMatchObject({ isFolderTemporary: true, engine: { kind: 'wasm', verdicts: [] } });
    await client.writeFile('blocks', 'a.block', [Uint8Array.of(1, 2), Uint8Array.of(3)]);
    await client.writeFile('base', 'a.block', [Uint8Array.of(4)]);
    expect(await client.listFiles('blocks')).toEqual(['a.block']);
    expect(await client.readFile('blocks', 'a.block')).toEqual(Uint8Array.of(1, 2, 3));
    await client.removeFile('blocks', 'a.block');
    expect(await client.readFile('blocks', 'a.block')).toBeUndefined();
    expect(await client.readFile('base', 'a.block')).toEqual(Uint8Array.of(4));
    await client.setShare(0.5);
    await expect(client.setShare(7)).rejects.toThrow('0.1 to 1');
    await client.stop();
  });

  it('stops a call that was aborted', async () => {
    const client = connect();
    await client.open(OPEN);
    await client.begin('embedding');
    await expect(client.compute(0, 0, new Map(), AbortSignal.abort())).rejects.toThrow();
    await client.stop();
  });
});
