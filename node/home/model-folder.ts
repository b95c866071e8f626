import { readFile } from 'node:fs/promises';
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
