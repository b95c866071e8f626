import type { ModelDirectory } from '../model-directory.ts';
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
    bytes: async (folder) =>
      [...(folders.get(folder)?.files.values() ?? [])].reduce((sum, { length }) => sum + length, 0),
    async remove(folder) {
      folders.delete(folder);
    },
  };
}
