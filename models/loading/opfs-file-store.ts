import { StorageError, StorageFullError } from '../storage/directory.ts';
import {
  entryNames,
  fileHandle,
  lockFile,
  type OpfsFolderOptions,
  openOpfsFolder,
  opfsError,
  removeEntry,
} from '../storage/opfs.ts';
import type { FileStore, StoredFile } from './file-store.ts';
import { checkFileName } from './model-source.ts';

/** Most bytes that one synchronous call moves. */
const CHUNK_BYTES = 1 << 24;

/**
 * A FileStore in the browser's origin-private file system. It works in dedicated workers only: no other
 * thread has synchronous access handles. An open file is locked against other tabs. Throws StorageError.
 */
export async function openOpfsFileStore(
  path: readonly string[],
  options: OpfsFolderOptions = {},
): Promise<FileStore> {
  const folder = await openOpfsFolder(path, options);
  return {
    description: 'this browser’s storage',
    list: () => entryNames(folder, 'file'),
    async open(name, { create = false } = {}) {
      checkFileName(name);
      const file = await fileHandle(folder, name, { create });
      return file === undefined ? undefined : storedFile(name, await lockFile(name, file));
    },
    async remove(name) {
      checkFileName(name);
      await removeEntry(folder, name);
    },
  };
}

function storedFile(name: string, access: FileSystemSyncAccessHandle): StoredFile {
  return {
    size: async () => access.getSize(),
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; ) {
        const count = access.read(bytes.subarray(at, at + CHUNK_BYTES), { at: offset + at });
        if (count === 0) throw new StorageError(`${name} ended early while it was read.`);
        at += count;
      }
      return bytes;
    },
    async write(offset, bytes) {
      try {
        for (let at = 0; at < bytes.length; ) {
          const count = access.write(bytes.subarray(at, at + CHUNK_BYTES), { at: offset + at });
          // A smaller count than requested means that the quota ended there.
          if (count < Math.min(CHUNK_BYTES, bytes.length - at)) throw new StorageFullError(bytes.length);
          at += count;
        }
      } catch (error) {
        throw opfsError(`${name} cannot be used`, bytes.length, error);
      }
    },
    async truncate(size) {
      try {
        access.truncate(size);
      } catch (error) {
        throw opfsError(`${name} cannot be used`, size, error);
      }
    },
    async flush() {
      access.flush();
    },
    async close() {
      access.close();
    },
  };
}
