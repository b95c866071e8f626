import type { ByteReader } from '../checkpoint/safetensors-reader.ts';
import { checkName, StorageBusyError, StorageError } from '../storage/directory.ts';
import { entryNames, fileHandle, openOpfsFolder, removeEntry } from '../storage/opfs.ts';
import type { ModelDirectory } from './model-directory.ts';
import { checkFileName, ModelLoadError } from './model-source.ts';
import { openOpfsFileStore } from './opfs-file-store.ts';

/** Where the page's models lie. */
export const MODELS: readonly string[] = ['starling', 'models'];

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
    async reader(folder, name) {
      checkName(folder);
      checkFileName(name);
      const handle = await (await root()).getDirectoryHandle(folder).catch(() => undefined);
      const file = handle === undefined ? undefined : await fileHandle(handle, name, { create: false });
      return file === undefined ? undefined : snapshotReader(name, await file.getFile());
    },
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

/** Reads a file as it was when it was opened. */
function snapshotReader(name: string, file: File): ByteReader {
  return {
    size: file.size,
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      try {
        return new Uint8Array(await file.slice(offset, offset + length).arrayBuffer());
      } catch (cause) {
        throw new ModelLoadError(`${name} is no longer on this device; fetch the model again`, { cause });
      }
    },
  };
}
