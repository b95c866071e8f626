import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseSafetensors } from '../../models/checkpoint/safetensors.ts';
import { loadModel } from '../../models/decoder/load.ts';
import { must } from '../../protocol/must.ts';
import { smallSpec } from '../../protocol/testing/sample-swarm-specs.ts';
import { BUILTIN_MODELS } from '../../training/builtin-models.ts';
import { firstCheckpoint, writeCheckpoint } from '../../training/learning-checkpoint.ts';
import { DEFAULT_SETTINGS } from '../../training/learning-settings.ts';
import { exportFolder, exportOnnx, folderName } from './export-model.ts';

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

const fetcher = (async (url: URL) =>
  new Response(await file(url.pathname.split('/').at(-1) ?? ''))) as typeof fetch;

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
  it('is a folder that loads, with the checkpoint’s own weights and a card', async () => {
    const stored = await checkpoint();
    const history = Array.from({ length: 50 }, (_, n) => record(n));
    const asked = {
      checkpoint: stored,
      page: 'http://page.test/',
      spec,
      chainId: 31_337,
      swarm: 4,
      device,
      root,
      round: 49,
    };
    const blob = await exportFolder({ ...asked, history, fetcher });
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

  it('is ONNX, too', async () => {
    expect(exportOnnx(await checkpoint()).size).toBeGreaterThan(300_000);
  });

  it('has a plain name', () => {
    expect(folderName('Twenty sums!')).toBe('twenty-sums');
    expect(folderName('???')).toBe('model');
  });
});
