import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeCheckpoint } from '../decoder/checkpoint.ts';
import { adapterSpecs, DEFAULT_LORA } from '../decoder/lora/adapters.ts';
import { peftFiles } from '../decoder/lora/peft.ts';
import { freshState } from '../decoder/state.ts';
import { ExportCommandError, exportToFile, parseExportFlags } from './export-command.ts';
import { exportDecoder } from './export-decoder.ts';
import { concatenated } from './protobuf.ts';
import { trainedNano } from './testing/trained-nano.ts';

const NANO = fileURLToPath(new URL('../../public/models/nano', import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'export-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function flagsOf(...args: string[]) {
  const flags = parseExportFlags(args);
  if (flags === 'help') throw new Error('no help was asked for');
  return flags;
}

test('a checkpoint and the model folder of the same weights give the same file', async () => {
  const { config, parameters } = trainedNano();
  const checkpoint = join(folder, 'nano.checkpoint');
  const state = freshState(config, parameters);
  await writeFile(checkpoint, encodeCheckpoint({ config, state, cursor: 0, rngKey: '0x00000000' }));
  const [a, b] = [join(folder, 'a.onnx'), join(folder, 'b.onnx')];
  const first = await exportToFile(flagsOf('--checkpoint', checkpoint, '--out', a));
  const second = await exportToFile(flagsOf('--model', NANO, '--out', b));
  const file = await readFile(a);
  expect(first).toEqual({
    out: a,
    bytes: file.length,
    sha256: createHash('sha256').update(file).digest('hex'),
    arithmetic: 'f32',
  });
  expect(second.sha256).toBe(first.sha256);
  expect(file.equals(concatenated(exportDecoder({ config, parameters, arithmetic: 'f32' })))).toBe(true);
  expect((await readdir(folder)).filter((name) => name.endsWith('.partial'))).toEqual([]);
});

test('an adapter is merged into the weights, and one of zeros changes nothing', async () => {
  const { config } = trainedNano();
  const exportWith = async (value: number) => {
    const adapters = new Map(
      adapterSpecs(config, DEFAULT_LORA).map(({ name, shape }) => [
        name,
        new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(name.includes('lora_A') ? 0.5 : value),
      ]),
    );
    const files = peftFiles({ config, lora: DEFAULT_LORA, adapters, base: 'nano' });
    const adapter = await mkdtemp(join(folder, 'adapter-'));
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(adapter, name), bytes);
    return exportToFile(
      flagsOf('--model', NANO, '--adapter', adapter, '--out', join(folder, 'adapted.onnx')),
    );
  };
  const plain = await exportToFile(flagsOf('--model', NANO, '--out', join(folder, 'plain.onnx')));
  expect((await exportWith(0)).sha256).toBe(plain.sha256);
  expect((await exportWith(0.01)).sha256).not.toBe(plain.sha256);
});

test.each<readonly [string, readonly string[], RegExp]>([
  ['no output', ['--model', NANO], /--out is missing/],
  ['no source', ['--out', 'x.onnx'], /either --checkpoint or --model/],
  ['two sources', ['--out', 'x', '--model', 'a', '--checkpoint', 'b'], /either --checkpoint or --model/],
  ['unknown operands', ['--out', 'x', '--model', 'a', '--operands', 'f64'], /must be f32 or bf16, got f64/],
  ['an unknown flag', ['--output', 'x'], /--output[\s\S]*npm run export/],
])('%s: a sentence', (_, args, sentence) => {
  expect(() => parseExportFlags(args)).toThrow(ExportCommandError);
  expect(() => parseExportFlags(args)).toThrow(sentence);
});

test('files that cannot be read or written, or are no checkpoint: a sentence', async () => {
  const out = join(folder, 'c.onnx');
  const missing = flagsOf('--checkpoint', join(folder, 'none'), '--out', out);
  await expect(exportToFile(missing)).rejects.toThrow(/no such file\); check --checkpoint/);
  await expect(exportToFile(flagsOf('--model', folder, '--out', out))).rejects.toThrow(
    /config\.json.*check --model/,
  );
  await expect(exportToFile(flagsOf('--model', NANO, '--out', join(folder, 'no/c.onnx')))).rejects.toThrow(
    /choose another --out/,
  );
  const junk = join(folder, 'junk');
  await writeFile(junk, 'not a checkpoint at all');
  await expect(exportToFile(flagsOf('--checkpoint', junk, '--out', out))).rejects.toThrow(/safetensors/);
  expect(await readdir(folder)).not.toContain('c.onnx');
});
