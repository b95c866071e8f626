import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readExactly } from './folder-file-store.ts';
import { isFileName, MAX_FILES, ModelLoadError, type ModelSource } from './model-source.ts';

/** A folder on disk (Node). Each read opens and closes its file. */
export function folderSource(path: string): ModelSource {
  return {
    description: path,
    async list() {
      try {
        const entries = await readdir(path, { withFileTypes: true });
        const names = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
        return names.filter(isFileName).slice(0, MAX_FILES);
      } catch (cause) {
        throw new ModelLoadError(`${path} is not a folder that can be read; name a model's folder`, {
          cause,
        });
      }
    },
    async open(name) {
      if (!isFileName(name)) return undefined;
      const size = await sizeOf(join(path, name));
      if (size === undefined) return undefined;
      return {
        size,
        async read(offset, length, signal) {
          signal?.throwIfAborted();
          const file = await open(join(path, name), 'r');
          try {
            return await readExactly(name, file, offset, length);
          } finally {
            await file.close();
          }
        },
      };
    },
  };
}

async function sizeOf(path: string): Promise<number | undefined> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const stat = await file.stat();
    return stat.isFile() ? stat.size : undefined;
  } finally {
    await file.close();
  }
}
