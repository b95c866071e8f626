import { checkName, StorageBusyError, StorageError } from '../storage/directory.ts';
import { entryNames, openOpfsFolder, removeEntry } from '../storage/opfs.ts';
import type { ModelDirectory } from './model-directory.ts';
import { openOpfsFileStore } from './opfs-file-store.ts';

const REMEDY = 'Open Starling in a normal window, or pick the files of a model.';

/**
 * A ModelDirectory in the folder `path` of the browser's origin-private file system. It works in dedicated
 * workers only, as `openOpfsFileStore`. Its methods throw StorageError when the browser gives the page no
 * storage.
 */
export function opfsModelDirectory(path: readonly string[]): ModelDirectory {
  const root = () => openOpfsFolder(path, { remedy: REMEDY });
  return {
    list: async () => entryNames(await root(), 'directory'),
    open: (folder) => openOpfsFileStore([folder], { root }),
    async bytes(folder) {
      checkName(folder);
      let bytes = 0;
      const handle = await (await root()).getDirectoryHandle(folder);
      for await (const file of handle.values()) {
        // This takes no lock, so it works while the file is being written.
        if (file.kind === 'file') bytes += (await (file as FileSystemFileHandle).getFile()).size;
      }
      return bytes;
    },
    async remove(folder) {
      checkName(folder);
      const parent = await root();
      try {
        await removeEntry(parent, folder, { recursive: true });
      } catch (error) {
        if (error instanceof StorageBusyError) throw error;
        throw new StorageError(
          'The model cannot be deleted now. Close other tabs of this page and try again.',
          { cause: error },
        );
      }
    },
  };
}
