import { checkName, StorageBusyError, StorageError, StorageFullError } from '../storage/directory.ts';
import { checkFileName } from './source.ts';
import type { FileStore, StoredFile } from './store.ts';

/** Largest piece that one synchronous call moves. */
const PIECE = 1 << 24;

/**
 * A FileStore in the browser's origin-private file system. Dedicated workers only: synchronous access handles (File System
 * Standard, section 2.6) exist nowhere else. An open file is locked against other tabs.
 */
export async function openOpfsStore(
  path: readonly string[],
  root: () => Promise<FileSystemDirectoryHandle> = () => navigator.storage.getDirectory(),
): Promise<FileStore> {
  let folder: FileSystemDirectoryHandle;
  try {
    folder = await root();
    for (const step of path) {
      checkName(step);
      folder = await folder.getDirectoryHandle(step, { create: true });
    }
  } catch (error) {
    if (error instanceof StorageError) throw error;
    throw new StorageError(
      'This browser gives the page no storage of its own (a private window does this). Open Starling in a normal window.',
      { cause: error },
    );
  }
  return {
    description: 'this browser’s storage',
    async list() {
      const names: string[] = [];
      for await (const [name, handle] of folder.entries()) if (handle.kind === 'file') names.push(name);
      return names;
    },
    async open(name, { create = false } = {}) {
      checkFileName(name);
      let handle: FileSystemFileHandle;
      try {
        handle = await folder.getFileHandle(name, { create });
      } catch (error) {
        if (!create && nameOf(error) === 'NotFoundError') return undefined;
        throw failure(name, 0, error);
      }
      try {
        return storedFile(name, await handle.createSyncAccessHandle());
      } catch (error) {
        throw failure(name, 0, error);
      }
    },
    async remove(name) {
      checkFileName(name);
      try {
        await folder.removeEntry(name);
      } catch (error) {
        if (nameOf(error) !== 'NotFoundError') throw failure(name, 0, error);
      }
    },
  };
}

function storedFile(name: string, access: FileSystemSyncAccessHandle): StoredFile {
  return {
    size: async () => access.getSize(),
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; ) {
        const got = access.read(bytes.subarray(at, at + PIECE), { at: offset + at });
        if (got === 0) throw new StorageError(`${name} ended early while it was read.`);
        at += got;
      }
      return bytes;
    },
    async write(offset, bytes) {
      try {
        for (let at = 0; at < bytes.length; ) {
          const put = access.write(bytes.subarray(at, at + PIECE), { at: offset + at });
          // A smaller count than asked for means that the quota ended there.
          if (put < Math.min(PIECE, bytes.length - at)) throw new StorageFullError(bytes.length);
          at += put;
        }
      } catch (error) {
        throw failure(name, bytes.length, error);
      }
    },
    async truncate(size) {
      access.truncate(size);
    },
    async flush() {
      access.flush();
    },
    async close() {
      access.close();
    },
  };
}

function failure(name: string, needed: number, error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const kind = nameOf(error);
  if (kind === 'QuotaExceededError') return new StorageFullError(needed, { cause: error });
  if (kind === 'NoModificationAllowedError') return new StorageBusyError({ cause: error });
  return new StorageError(
    `${name} cannot be used: ${error instanceof Error ? error.message : String(error)}`,
    {
      cause: error,
    },
  );
}

// DOMExceptions of other realms fail instanceof, so only the name is asked.
function nameOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'name' in error && typeof error.name === 'string'
    ? error.name
    : undefined;
}
