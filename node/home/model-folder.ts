import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ModelFetchError, type PublishedModel } from '../../workers/published-model.ts';

/** The model that new devices begin with. */
export const DEFAULT_MODEL = fileURLToPath(new URL('../../public/models/nano', import.meta.url));

/** A published model in a folder on this disk. */
export function modelInFolder(folder: string): PublishedModel {
  return {
    async file(name, signal) {
      try {
        return new Uint8Array(await readFile(join(folder, name), { signal }));
      } catch (error) {
        signal?.throwIfAborted();
        throw new ModelFetchError(
          `There is no ${name} in ${folder}. Check the folder, or make the model with: npm run train:base`,
          { cause: error },
        );
      }
    },
  };
}

/**
 * Most bytes that a checkpoint of the model in a folder has: its parameters and two moments of each, one per
 * cent and 64 KiB more for the header. Rejects when the folder has no weights.
 */
export async function checkpointBytes(folder: string): Promise<number> {
  const { size } = await stat(join(folder, 'model.safetensors'));
  return Math.ceil(3 * size * 1.01) + 64 * 1024;
}
