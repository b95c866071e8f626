import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseSafetensors } from '../../models/checkpoint/safetensors.ts';
import { encodeCheckpoint } from '../../models/decoder/checkpoint.ts';
import { loadModel } from '../../models/decoder/load.ts';
import { encodeAdapters, freshAdapterState } from '../../models/decoder/lora/adapter-state.ts';
import { initialAdapters } from '../../models/decoder/lora/adapters.ts';
import { readPeft } from '../../models/decoder/lora/peft.ts';
import { freshState } from '../../models/decoder/state.ts';
import { blobSource } from '../../models/loading/blob-source.ts';
import { must } from '../../protocol/must.ts';
import { blocksSpec, smallSpec } from '../../protocol/testing/sample-swarm-specs.ts';
import { BUILTIN_MODELS } from '../../training/builtin-models.ts';
import { firstCheckpoint, writeCheckpoint } from '../../training/learning-checkpoint.ts';
import { DEFAULT_SETTINGS } from '../../training/learning-settings.ts';
import { openMemberModel } from '../../training/member-model.ts';
import { mergeCheckpoint } from '../../workers/merge-checkpoint.ts';
import { exportFolder, exportOnnx, exportWhole, folderName } from './export-model.ts';

const nano = must(BUILTIN_MODELS, 0);
const device = `0x${'a1'.repeat(20)}` as const;
const root = `0x${'5f'.repeat(32)}` as const;
const spec = {
  ...smallSpec,
  name: 'Twenty sums!',
  base: { kind: 'builtin', name: nano.name, root: nano.root },
} as const;
const record = (round: number) => ({
  ...{
    round,
    reward: 0.5,
    heldOutAccuracy: 0.25,
    loss: 0.1,
    checkpointRoot: root,
    computedAt: 0,
    sent: true,
  },
  acceptedBy: 1,
});

const file = (name: string) =>
  readFile(join('public', nano.folder, name)).then((bytes) => new Uint8Array(bytes));
const files = async () => ({
  'config.json': await file('config.json'),
  'tokenizer.json': await file('tokenizer.json'),
  'model.safetensors': await file('model.safetensors'),
});

async function checkpoint() {
  const { config, parameters } = loadModel(await files());
  return writeCheckpoint(firstCheckpoint({ config, parameters, device, settings: DEFAULT_SETTINGS }));
}

const base = {
  files: async () => [
    { name: 'config.json', bytes: await file('config.json') },
    { name: 'tokenizer.json', bytes: await file('tokenizer.json') },
  ],
  merged: async (checkpoint: Uint8Array) =>
    mergeCheckpoint({ source: await source(), checkpoint, signal: new AbortController().signal }),
};

async function source() {
  return blobSource(
    Object.entries(await files()).map(([name, bytes]) => new File([new Uint8Array(bytes)], name)),
  );
}

/** The files of an archive without compression. */
function unzipped(archive: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const view = new DataView(archive.buffer, archive.byteOffset);
  const found = new Map<string, Uint8Array>();
  for (let at = 0; view.getUint32(at, true) === 0x04034b50; ) {
    const [size, name] = [view.getUint32(at + 22, true), view.getUint16(at + 26, true)];
    const start = at + 30 + name;
    found.set(new TextDecoder().decode(archive.subarray(at + 30, start)), archive.slice(start, start + size));
    at = start + size;
  }
  return found;
}

describe('a model that leaves', () => {
  it('is a folder also where it was trained in blocks, whose card says after which step', async () => {
    const { config, parameters } = loadModel(await files());
    const state = { ...freshState(config, parameters), step: 12 };
    const bytes = encodeCheckpoint({ config, state, cursor: 0, rngKey: '0x00000000' });
    const blob = await exportWhole({ spec: { ...spec, blocks: blocksSpec.blocks }, base, bytes, root });
    const folder = unzipped(new Uint8Array(await blob.arrayBuffer()));
    const text = (name: string) => new TextDecoder().decode(folder.get(`twenty-sums/${name}`));
    const { tensors } = parseSafetensors(folder.get('twenty-sums/model.safetensors') ?? new Uint8Array());
    const norm = must([...(tensors.get('model.norm.weight')?.data ?? [])], 3);
    const words = parameters.get('model.norm.weight') ?? new Float32Array();
    expect(norm).toBe(new Uint8Array(words.buffer, words.byteOffset)[3]);
    expect(JSON.parse(text('config.json'))).toMatchObject({ torch_dtype: 'float32' });
    expect(text('README.md')).toContain(`Root of the checkpoint after step 12: \`${root}\``);
    expect(text('README.md')).toContain('in blocks: each device kept and computed some of them');
  });

  it('[B-15] is PEFT’s files where adapters were trained in blocks', async () => {
    const { config } = loadModel(await files());
    const lora = { rank: 2, alpha: 4, targets: ['q_proj', 'v_proj'] } as const;
    const draw = (tensor: number, element: number, part: number) => 977 * tensor + 31 * element + part;
    const adapters = initialAdapters({ config, lora, draw });
    const state = { ...freshAdapterState(config, lora, adapters), step: 7 };
    const bytes = encodeAdapters({ config, lora, base: root, state });
    const trained = { kind: 'adapters', ...lora } as const;
    const asked = { ...spec, trained, blocks: blocksSpec.blocks };
    const blob = await exportWhole({ spec: asked, base, bytes, root });
    const folder = unzipped(new Uint8Array(await blob.arrayBuffer()));
    const part = (name: string) => folder.get(`twenty-sums/${name}`) ?? new Uint8Array();
    const read = readPeft(config, {
      'adapter_model.safetensors': part('adapter_model.safetensors'),
      'adapter_config.json': part('adapter_config.json'),
    });
    expect(read.lora).toMatchObject(lora);
    expect([...read.adapters]).toEqual([...adapters]);
    const card = new TextDecoder().decode(part('README.md'));
    expect(card).toContain(`Root of the checkpoint after step 7: \`${root}\``);
    expect(card).toContain('Load the base first');
  });

  it('is a folder that loads, with the checkpoint’s own weights and a card', async () => {
    const stored = await checkpoint();
    const history = Array.from({ length: 50 }, (_, n) => record(n));
    const asked = {
      checkpoint: stored,
      base,
      ownModel: null,
      spec,
      chainId: 31_337,
      swarm: 4,
      device,
      root,
      round: 49,
    };
    const blob = await exportFolder({ ...asked, history });
    const folder = unzipped(new Uint8Array(await blob.arrayBuffer()));
    const part = (name: string) => folder.get(`twenty-sums/${name}`) ?? new Uint8Array();
    const loaded = loadModel({
      'config.json': part('config.json'),
      'tokenizer.json': part('tokenizer.json'),
      'model.safetensors': part('model.safetensors'),
    });
    const before = parseSafetensors(stored).tensors;
    for (const [name, { data }] of parseSafetensors(part('model.safetensors')).tensors) {
      expect(data, name).toEqual(before.get(name)?.data);
    }
    expect(loaded.config).toEqual(loadModel(await files()).config);
    const card = new TextDecoder().decode(part('README.md'));
    expect(card).toMatch(/^---\nlanguage: en\n/);
    for (const text of [
      '# Twenty sums!',
      root,
      nano.root,
      'number 4 on chain 31337',
      '| 49 | 25 % | 50 % |',
      `npm run replay -- ${device}:49 --archive DIR --model public/models/nano/\n`,
    ]) {
      expect(card).toContain(text);
    }
    expect(card.match(/^\| \d+ \|/gm)).toHaveLength(20);
  });

  it('is PEFT’s files of an adapter, or its base with the adapter in it', async () => {
    const trained = { kind: 'adapters', rank: 2, alpha: 4, targets: ['q_proj', 'v_proj'] } as const;
    const member = await openMemberModel({ source: await source(), trained });
    const first = await member.first(device, DEFAULT_SETTINGS);
    if (first.kind !== 'adapters') throw new Error('There are no adapters.');
    const adapters = new Map([...first.state.adapters].map(([name, data]) => [name, data.map(() => 0.125)]));
    const checkpoint = writeCheckpoint({ ...first, state: { ...first.state, adapters } });
    const facts = {
      spec: { ...spec, trained },
      chainId: 31_337,
      swarm: 4,
      device,
      root,
      round: 3,
      ownModel: null,
    };
    const asked = { ...facts, checkpoint, base, history: [record(3)] };
    const peft = unzipped(new Uint8Array(await (await exportFolder(asked)).arrayBuffer()));
    const part = (from: ReadonlyMap<string, Uint8Array>, name: string) =>
      from.get(`twenty-sums/${name}`) ?? new Uint8Array();
    const read = readPeft(first.config, {
      'adapter_model.safetensors': part(peft, 'adapter_model.safetensors'),
      'adapter_config.json': part(peft, 'adapter_config.json'),
    });
    expect(read.lora).toEqual(first.lora);
    expect([...read.adapters]).toEqual([...adapters]);
    const card = new TextDecoder().decode(part(peft, 'README.md'));
    for (const text of ['library_name: peft', 'PeftModel.from_pretrained', 'adapters of rank 2']) {
      expect(card).toContain(text);
    }

    const whole = await exportFolder({ ...asked, merged: true });
    const merged = unzipped(new Uint8Array(await whole.arrayBuffer()));
    const loaded = loadModel({
      'config.json': part(merged, 'config.json'),
      'tokenizer.json': part(merged, 'tokenizer.json'),
      'model.safetensors': part(merged, 'model.safetensors'),
    });
    const before = loadModel(await files());
    const [query, key] = ['model.layers.0.self_attn.q_proj.weight', 'model.layers.0.self_attn.k_proj.weight'];
    // Each weight grows by alpha / rank times the sum over the rank of B A.
    const grown = before.parameters.get(query)?.map((weight) => weight + 2 * 2 * 0.125 * 0.125);
    expect(loaded.parameters.get(query)).toEqual(grown);
    expect(loaded.parameters.get(key)).toEqual(before.parameters.get(key));
    expect(new TextDecoder().decode(part(merged, 'README.md'))).toContain('not bit for bit');
    const own = { kind: 'stored', id: 'ab'.repeat(16), name: 'parrot' } as const;
    const brought = await exportFolder({ ...asked, ownModel: own });
    const broughtCard = new TextDecoder().decode(
      part(unzipped(new Uint8Array(await brought.arrayBuffer())), 'README.md'),
    );
    for (const text of ['base_model: "parrot"', 'parrot, which this member brought', '--model DIR\n']) {
      expect(broughtCard).toContain(text);
    }
    expect(() => exportOnnx(checkpoint)).toThrow(/together with their base/);
  });

  it('is ONNX, too', async () => {
    expect(exportOnnx(await checkpoint()).size).toBeGreaterThan(300_000);
  });

  it('has a plain name', () => {
    expect(folderName('Twenty sums!')).toBe('twenty-sums');
    expect(folderName('???')).toBe('model');
  });
});
