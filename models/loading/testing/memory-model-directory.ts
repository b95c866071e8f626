import type { ModelDirectory } from '../model-directory.ts';
import { ModelLoadError } from '../model-source.ts';
import { openMemoryFileStore } from './memory-file-store.ts';

/**
 * A ModelDirectory in memory, for tests. `capacity` is the size of each folder in bytes. Defaults to no
 * limit.
 */
export function openMemoryModelDirectory(options: { readonly capacity?: number } = {}): ModelDirectory {
  const folders = new Map<string, ReturnType<typeof openMemoryFileStore>>();
  return {
    list: async () => [...folders.keys()],
    async open(folder) {
      const store = folders.get(folder) ?? openMemoryFileStore(options);
      folders.set(folder, store);
      return store;
    },
    async reader(folder, name) {
      const file = await folders.get(folder)?.open(name);
      if (file === undefined) return undefined;
      return {
        size: await file.size(),
        async read(offset, length) {
          if (!folders.get(folder)?.files.has(name)) {
            throw new ModelLoadError(`${name} is no longer on this device; fetch the model again`);
          }
          return file.read(offset, length);
        },
      };
    },
    bytes: async (folder) =>
      [...(folders.get(folder)?.files.values() ?? [])].reduce((sum, { length }) => sum + length, 0),
    async remove(folder) {
      folders.delete(folder);
    },
  };
}
