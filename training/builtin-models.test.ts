import { readFile } from 'node:fs/promises';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { describe, expect, it } from 'vitest';
import { loadModel, type ModelFiles } from '../models/decoder/load.ts';
import { filesRoot } from '../models/loading/file-root.ts';
import { BUILTIN_MODELS, builtinModelOf } from './builtin-models.ts';
import { MODEL_FILES } from './nano-files.ts';

describe('BUILTIN_MODELS', () => {
  it.each(BUILTIN_MODELS)('$name: the committed folder has that root and size', async (model) => {
    const folder = new URL(`../public/${model.folder}`, import.meta.url);
    const read = await Promise.all(
      MODEL_FILES.map(async (name) => [name, new Uint8Array(await readFile(new URL(name, folder)))] as const),
    );
    const files = read.map(([name, data]) => ({ name, size: data.length, sha256: bytesToHex(sha256(data)) }));
    const { parameters } = loadModel(Object.fromEntries(read) as unknown as ModelFiles);
    const count = [...parameters.values()].reduce((sum, values) => sum + values.length, 0);
    expect({
      root: filesRoot(files),
      bytes: files.reduce((sum, { size }) => sum + size, 0),
      parameters: count,
    }).toEqual({ root: model.root, bytes: model.bytes, parameters: model.parameters });
  });

  it('are found by their root only', () => {
    for (const model of BUILTIN_MODELS) expect(builtinModelOf(model.root)).toBe(model);
    expect(builtinModelOf(`0x${'00'.repeat(32)}`)).toBeUndefined();
  });
});
