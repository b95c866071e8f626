/** A shelf of folders, one for each model that was downloaded. */
import { openMemoryStore } from './memory-store.ts';
import type { FileStore } from './store.ts';

export interface ModelShelf {
  /** Names of the folders, as `checkName` allows. */
  list(): Promise<readonly string[]>;
  /** Opens the folder, made on first use. Throws StorageError. */
  open(folder: string): Promise<FileStore>;
  /** Bytes that the folder's files take now. */
  bytes(folder: string): Promise<number>;
  /** Deletes the folder with everything in it. Throws StorageBusyError while a file of it is open. */
  remove(folder: string): Promise<void>;
}

/** A shelf in memory, for tests. `capacity` is of each folder, in bytes. */
export function openMemoryShelf(options: { readonly capacity?: number } = {}): ModelShelf {
  const folders = new Map<string, ReturnType<typeof openMemoryStore>>();
  return {
    list: async () => [...folders.keys()],
    async open(folder) {
      const store = folders.get(folder) ?? openMemoryStore(options);
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
