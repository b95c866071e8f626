import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceEngine } from '../../compute/engines/reference.ts';
import { SafetensorsError } from '../checkpoint/safetensors.ts';
import { type DecoderConfig, ModelConfigError, parameterSpecs } from '../decoder/config.ts';
import { FrozenSession } from '../decoder/frozen-session.ts';
import { fromBfloat16 } from '../decoder/testing/from-bfloat16.ts';
import { toBfloat16 } from '../decoder/weights.ts';
import { TokenizerError } from '../tokenizer/tokenizer-error.ts';
import { blobSource, type PickedFile } from './blob-source.ts';
import { openFolderFileStore } from './folder-file-store.ts';
import { folderSource } from './folder-source.ts';
import { parseGeneration } from './generation-config.ts';
import { ModelLoadError, type ModelSource } from './model-source.ts';
import { openModel } from './open-model.ts';
import { storeSource } from './store-source.ts';
import { openMemoryFileStore } from './testing/memory-file-store.ts';
import { storedTensor, TINY, tinyFiles, tinyParameters } from './testing/tiny-model.ts';
import { INDEX_FILE, parseWeightsIndex, SINGLE_FILE } from './weights-index.ts';

type Files = Record<string, Uint8Array>;
const picked = (files: Files): PickedFile[] =>
  Object.entries(files).map(([name, bytes]) => new File([new Uint8Array(bytes)], name));
const source = (files: Files): ModelSource => blobSource(picked(files));
const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-model-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const LLAMA: DecoderConfig = { ...TINY, family: 'llama', tiedEmbedding: false, ropeInterleaved: true };

describe('openModel', () => {
  it.each([
    ['F32', 1],
    ['BF16', 1],
    ['F16', 2],
    ['BF16', 3],
  ] as const)('reads %s in %i file(s), whatever the source', async (dtype, shards) => {
    const files = tinyFiles({ dtype, shards });
    const path = join(folder, `${dtype}-${shards}`);
    const stored = await openFolderFileStore(path);
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(path, name), bytes);
    const memory = openMemoryFileStore({
      files: new Map(Object.entries(files).map(([name, bytes]) => [name, new Uint8Array(bytes)])),
    });
    const sources = [
      source(files),
      folderSource(path),
      storeSource(stored, await stored.list()),
      storeSource(memory, await memory.list()),
    ];
    const [first] = sources;
    const expected = tinyParameters();
    for (const each of sources) {
      const model = await openModel(each);
      expect(model.config).toEqual(TINY);
      expect(model.generation.endTokens).toEqual([2]);
      expect(model.tokenizer.decode(model.tokenizer.encode('12+7='))).toBe('12+7=');
      expect([...(await each.list())].sort()).toEqual(Object.keys(files).sort());
      expect(await each.open('nothing.json')).toBeUndefined();
      for (const { name } of parameterSpecs(TINY)) {
        const values = expected.get(name) ?? new Float32Array();
        const read = await model.weights.float32(name);
        const half = await model.weights.bfloat16(name);
        if (dtype === 'F32') expect(read).toEqual(values);
        if (dtype === 'BF16') expect(read).toEqual(fromBfloat16(toBfloat16(values)));
        if (dtype === 'F16') for (const [i, x] of read.entries()) expect(x).toBeCloseTo(values[i] ?? 0, 2);
        expect(half).toEqual(toBfloat16(read));
        const range = { begin: Math.floor(half.length / 3), end: half.length - 1 };
        const some = await model.weights.bfloat16(name, undefined, range);
        expect(some).toEqual(half.slice(range.begin, range.end));
        for (const [begin, end] of [
          [0, half.length + 1],
          [-1, 2],
          [2, 2],
          [0.5, 2],
        ] as const)
          await expect(model.weights.bfloat16(name, undefined, { begin, end })).rejects.toThrow(RangeError);
      }
      if ('close' in each) await (each as ReturnType<typeof storeSource>).close();
    }
    expect(first).toBeDefined();
  });

  it('runs a Llama model end to end, its unused rotary tables passed over', async () => {
    const edit = (tensors: Map<string, ReturnType<typeof storedTensor>>) =>
      tensors.set(
        'model.layers.0.self_attn.rotary_emb.inv_freq',
        storedTensor('F32', [2], new Float32Array(2)),
      );
    const { config, weights, tokenizer } = await openModel(source(tinyFiles({ config: LLAMA, edit })));
    expect(config).toEqual(LLAMA);
    const session = await FrozenSession.create({ engine: createReferenceEngine(), config, weights });
    const prompts = [tokenizer.encode('12+7=')];
    const [row] = await session.generate({
      prompts,
      maxNewTokens: 3,
      endToken: [],
      greedy: true,
      uniform: () => 0,
    });
    expect(row?.tokens).toHaveLength(3);
  });

  const good = tinyFiles();
  const sharded = tinyFiles({ shards: 2 });
  const without = (files: Files, name: string): Files =>
    Object.fromEntries(Object.entries(files).filter(([key]) => key !== name));
  const SHARD = 'model-00002-of-00002.safetensors';
  const nan = new Float32Array(16).fill(Number.NaN);
  it.each<[string, Files, new (...a: never[]) => Error, RegExp]>([
    ['no config.json', without(good, 'config.json'), ModelLoadError, /no config.json; choose a folder/],
    ['no weights', without(good, SINGLE_FILE), ModelLoadError, /model.safetensors is missing/],
    ['a missing shard', without(sharded, SHARD), ModelLoadError, /00002-of-00002.safetensors is missing/],
    ['a config that is no JSON', { ...good, 'config.json': Uint8Array.of(0x7b) }, ModelLoadError, /not JSON/],
    [
      'another architecture',
      { ...good, 'config.json': text({ model_type: 'bert' }) },
      ModelConfigError,
      /qwen2/,
    ],
    ['no tokenizer', { ...good, 'tokenizer.json': text({}) }, TokenizerError, /fetch the model again/],
    [
      'a larger tokenizer',
      { ...tinyFiles({ config: { ...TINY, vocabulary: 60 } }) },
      ModelLoadError,
      /of one model/,
    ],
    [
      'other shapes',
      tinyFiles({ fields: { intermediate_size: 25 } }),
      ModelLoadError,
      /config.json makes it/,
    ],
    [
      'a missing tensor',
      tinyFiles({ edit: (t) => t.delete('model.norm.weight') }),
      ModelLoadError,
      /is missing/,
    ],
    [
      'a foreign tensor',
      tinyFiles({ edit: (t) => t.set('x', storedTensor('F32', [1], new Float32Array(1))) }),
      ModelLoadError,
      /x is not a parameter/,
    ],
    [
      'integers',
      tinyFiles({
        edit: (t) => t.set('model.norm.weight', { dtype: 'I32', shape: [16], data: new Uint8Array(64) }),
      }),
      ModelLoadError,
      /use a model in F32, BF16 or F16/,
    ],
    [
      'a truncated file',
      { ...good, [SINGLE_FILE]: (good[SINGLE_FILE] ?? (nan as never)).subarray(0, -1) },
      SafetensorsError,
      /truncated/,
    ],
    [
      'an index that lies',
      { ...sharded, [INDEX_FILE]: text({ weight_map: { x: SHARD } }) },
      ModelLoadError,
      /puts elsewhere/,
    ],
    [
      'an index that leaves the folder',
      { ...sharded, [INDEX_FILE]: text({ weight_map: { x: '../model.safetensors' } }) },
      ModelLoadError,
      /no safetensors file of this folder/,
    ],
    [
      'an index of nothing',
      { ...sharded, [INDEX_FILE]: text({ weight_map: {} }) },
      ModelLoadError,
      /names no tensor/,
    ],
    [
      'a huge config',
      { ...good, 'config.json': new Uint8Array((1 << 20) + 1) },
      ModelLoadError,
      /more than the/,
    ],
    [
      'bad sampling settings',
      { ...good, 'generation_config.json': text({ top_p: 2 }) },
      ModelLoadError,
      /top_p cannot be 2/,
    ],
  ])('refuses %s', async (_, files, type, message) => {
    const opening = openModel(source(files));
    await expect(opening).rejects.toThrow(type);
    await expect(opening).rejects.toThrow(message);
  });

  it('takes a whole file of weights before an index that was left over', async () => {
    const stale = text({ weight_map: { 'model.norm.weight': SHARD } });
    const model = await openModel(source({ ...good, [INDEX_FILE]: stale }));
    expect(model.weights.files).toEqual([SINGLE_FILE]);
    const broken = await openModel(source({ ...good, [INDEX_FILE]: Uint8Array.of(0x7b) }));
    expect(broken.weights.files).toEqual([SINGLE_FILE]);
  });

  it('finds NaN when a tensor is read', async () => {
    for (const dtype of ['F32', 'BF16'] as const) {
      const model = await openModel(
        source(tinyFiles({ edit: (t) => t.set('model.norm.weight', storedTensor(dtype, [16], nan)) })),
      );
      await expect(model.weights.float32('model.norm.weight')).rejects.toThrow(/NaN at element 0/);
      await expect(model.weights.bfloat16('model.norm.weight')).rejects.toThrow(/NaN at element 0/);
    }
  });

  it('gives its own errors for any damaged index, sampling settings or weights', async () => {
    const bytes = fc.uint8Array({ maxLength: 64 });
    await fc.assert(
      fc.asyncProperty(bytes, fc.constantFrom(INDEX_FILE, SINGLE_FILE, 'config.json'), async (junk, name) => {
        const whole = name === INDEX_FILE ? sharded : good;
        const failure = await openModel(source({ ...whole, [name]: junk })).catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(Error);
        expect((failure as Error).name).toMatch(/^(ModelLoad|ModelConfig|Safetensors)Error$/);
      }),
    );
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          parseWeightsIndex(text({ weight_map: value }));
        } catch (error) {
          expect(error).toBeInstanceOf(ModelLoadError);
        }
        try {
          parseGeneration({}, { eos_token_id: value, top_k: value, temperature: value } as never, 64);
        } catch (error) {
          expect(error).toBeInstanceOf(ModelLoadError);
        }
      }),
    );
  });
});

describe('parseGeneration', () => {
  it("reads Qwen2.5's published settings and says what is not applied", () => {
    const settings = {
      bos_token_id: 151643,
      pad_token_id: 151643,
      do_sample: true,
      eos_token_id: [151645, 151643],
      repetition_penalty: 1.1,
      temperature: 0.7,
      top_p: 0.8,
      top_k: 20,
    };
    expect(parseGeneration({ eos_token_id: 1 }, settings, 151936)).toEqual({
      endTokens: [151645, 151643],
      beginToken: 151643,
      sample: true,
      temperature: 0.7,
      topK: 20,
      topP: 0.8,
      notApplied: ['repetition_penalty 1.1'],
    });
  });

  it.each<[string, unknown]>([
    ['bad_words_ids', [[5]]],
    ['suppress_tokens', [7]],
    ['begin_suppress_tokens', [7]],
    ['min_new_tokens', 4],
    ['min_length', 4],
    ['sequence_bias', [[[1], -10]]],
    ['eta_cutoff', 0.001],
    ['epsilon_cutoff', 0.001],
    ['encoder_repetition_penalty', 1.2],
    ['guidance_scale', 1.5],
    ['forced_bos_token_id', 1],
    ['forced_eos_token_id', 2],
    ['exponential_decay_length_penalty', [5, 1.1]],
    ['stop_strings', ['x']],
    ['min_p', 0.1],
    ['num_beams', 4],
    ['renormalize_logits', true],
    ['a_setting_of_tomorrow', 0],
  ])('names %s %j, which is not applied', (name, value) => {
    const named = [`${name} ${JSON.stringify(value)}`];
    expect(parseGeneration({}, { do_sample: true, [name]: value }, 64).notApplied).toEqual(named);
  });

  it('names nothing that is off or has no effect on what is drawn', () => {
    const settings = {
      transformers_version: '4.52.0',
      pad_token_id: 0,
      max_new_tokens: 20,
      use_cache: true,
      bad_words_ids: null,
      suppress_tokens: [],
      repetition_penalty: 1,
      num_beams: 1,
      renormalize_logits: false,
    };
    expect(parseGeneration({}, settings, 64).notApplied).toEqual([]);
  });

  it('reads the settings of an older config.json, unless there is a file of them', () => {
    const config = { do_sample: true, temperature: 0.5, repetition_penalty: 1.2, hidden_size: 16 };
    const old = parseGeneration(config, undefined, 64);
    expect(old).toMatchObject({ sample: true, temperature: 0.5, notApplied: ['repetition_penalty 1.2'] });
    expect(parseGeneration(config, {}, 64)).toMatchObject({ sample: false, temperature: 1, notApplied: [] });
  });

  it('names at most so many settings of a stranger', () => {
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`x${i}`, i + 1]));
    expect(parseGeneration({}, many, 64).notApplied.at(-1)).toBe('968 more');
  });

  it.each([-1, 64, [-1, 64], null])('opens a model whose special tokens are %j, which is none', (id) => {
    const special = { pad_token_id: id, bos_token_id: id, eos_token_id: id, decoder_start_token_id: id };
    for (const [config, generation] of [[special, undefined] as const, [{}, special] as const]) {
      const { endTokens, beginToken } = parseGeneration(config, generation, 64);
      expect([endTokens, beginToken]).toEqual([[], undefined]);
    }
    expect(parseGeneration({ eos_token_id: [2, 64] }, undefined, 64).endTokens).toEqual([2]);
    expect(() => parseGeneration({ eos_token_id: '2' }, undefined, 64)).toThrow(/eos_token_id cannot be/);
  });
});

describe('blobSource', () => {
  it('leaves out hidden files and refuses two of one name', async () => {
    const inFolder = (name: string, path: string) =>
      Object.defineProperty(new File(['x'], name), 'webkitRelativePath', { value: path });
    const files = [
      inFolder('config.json', 'm/config.json'),
      inFolder('a.txt', 'm/sub/a.txt'),
      new File([''], '.git'),
    ];
    expect(await blobSource(files).list()).toEqual(['config.json']);
    expect(() => blobSource([new File([''], 'a'), new File([''], 'a')])).toThrow(/picked twice/);
  });

  it('says so when a file vanishes or shrinks', async () => {
    const file = (arrayBuffer: () => Promise<ArrayBuffer>): PickedFile => ({
      name: 'a',
      size: 4,
      slice: () => ({ arrayBuffer }),
    });
    const gone = await blobSource([file(() => Promise.reject(new Error('gone')))]).open('a');
    await expect(gone?.read(0, 4)).rejects.toThrow(/pick the files again/);
    const short = await blobSource([file(async () => new ArrayBuffer(3))]).open('a');
    await expect(short?.read(0, 4)).rejects.toThrow(/changed while it was read/);
  });
});
