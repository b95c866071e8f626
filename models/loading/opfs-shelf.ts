import { checkName, StorageBusyError, StorageError } from '../storage/directory.ts';
import { openOpfsStore } from './opfs-store.ts';
import type { ModelShelf } from './shelf.ts';

/**
 * A shelf in the browser's origin-private file system, in the folder `path`. Dedicated workers only (openOpfsStore). Its methods throw
 * StorageError where the browser gives the page no storage.
 */
export function opfsShelf(path: readonly string[]): ModelShelf {
  const root = async (): Promise<FileSystemDirectoryHandle> => {
    try {
      let folder = await navigator.storage.getDirectory();
      for (const step of path) folder = await folder.getDirectoryHandle(step, { create: true });
      return folder;
    } catch (cause) {
      throw new StorageError(
        'This browser gives the page no storage of its own (a private window does this). Open Starling in a normal window, or pick the files of a model.',
        { cause },
      );
    }
  };
  return {
    async list() {
      const names: string[] = [];
      for await (const [name, handle] of (await root()).entries()) {
        if (handle.kind === 'directory') names.push(name);
      }
      return names;
    },
    open: (folder) => openOpfsStore([folder], root),
    async bytes(folder) {
      checkName(folder);
      let bytes = 0;
      const handle = await (await root()).getDirectoryHandle(folder);
      for await (const file of handle.values()) {
        // Asks for no lock, so that it also answers while the file is written.
        if (file.kind === 'file') bytes += (await (file as FileSystemFileHandle).getFile()).size;
      }
      return bytes;
    },
    async remove(folder) {
      checkName(folder);
      try {
        await (await root()).removeEntry(folder, { recursive: true });
      } catch (cause) {
        const name = cause instanceof DOMException ? cause.name : '';
        if (name === 'NotFoundError') return;
        if (name === 'NoModificationAllowedError') throw new StorageBusyError({ cause });
        throw cause instanceof StorageError
          ? cause
          : new StorageError(
              'The model cannot be deleted now. Close other tabs of this page and try again.',
              {
                cause,
              },
            );
      }
    },
  };
}
