import { readFile } from 'node:fs/promises';
import { type LoadedModel, MODEL_FILES, type ModelFiles, readModel } from '../nano-files.ts';

const MODEL = new URL('../../public/models/nano/', import.meta.url);

/** The committed nano model. */
export async function readNano(): Promise<LoadedModel> {
  const entries = await Promise.all(
    MODEL_FILES.map(async (name) => [name, new Uint8Array(await readFile(new URL(name, MODEL)))] as const),
  );
  return readModel(Object.fromEntries(entries) as ModelFiles);
}
