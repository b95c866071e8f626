import { readFile } from 'node:fs/promises';
import { loadModel } from '../../models/decoder/load.ts';
import { type LoadedModel, MODEL_FILES, type ModelFiles, readModel } from '../nano-files.ts';
import { taughtFormat } from '../taught-format.ts';
import type { AskedModel } from './learning-run.ts';

const MODELS = new URL('../../public/models/', import.meta.url);

/** The committed nano model. */
export async function readNano(): Promise<LoadedModel> {
  return readModel(await filesOf('nano'));
}

/** The committed model with that name, with the format it was taught in. */
export async function readTaught(name: 'nano' | 'micro'): Promise<AskedModel> {
  const { config, parameters, tokenizer } = loadModel(await filesOf(name));
  return { config, parameters, format: taughtFormat(tokenizer) };
}

async function filesOf(name: string): Promise<ModelFiles> {
  const folder = new URL(`${name}/`, MODELS);
  const entries = await Promise.all(
    MODEL_FILES.map(async (file) => [file, new Uint8Array(await readFile(new URL(file, folder)))] as const),
  );
  return Object.fromEntries(entries) as ModelFiles;
}
