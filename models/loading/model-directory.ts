/** The folders of the models that were downloaded to this device, one folder for each model. */
import type { FileStore } from './file-store.ts';
import { openMemoryFileStore } from './memory-file-store.ts';

export interface ModelDirectory {
  /** Names of the folders, as `checkName` allows. */
  list(): Promise<readonly string[]>;
  /** Opens a folder, and makes it on first use. Throws StorageError. */
  open(folder: string): Promise<FileStore>;
  /** Bytes that the folder's files take now. */
  bytes(folder: string): Promise<number>;
  /** Deletes a folder with everything in it. Throws StorageBusyError while one of its files is open. */
  remove(folder: string): Promise<void>;
}

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
