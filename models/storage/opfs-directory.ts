import { checkName, type Directory, StorageBusyError, StorageError, StorageFullError } from './directory.ts';

/**
 * A Directory in the browser's origin-private file system. Works in dedicated workers only: synchronous access handles
 * (File System Standard, section 2.6) exist nowhere else, and they alone have `flush`.
 */
export async function openOpfsDirectory(
  path: readonly string[],
  root: () => Promise<FileSystemDirectoryHandle> = () => navigator.storage.getDirectory(),
): Promise<Directory> {
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
    async list() {
      const names: string[] = [];
      for await (const [name, handle] of folder.entries()) if (handle.kind === 'file') names.push(name);
      return names;
    },
    async read(name) {
      checkName(name);
      const file = await fileIn(folder, name, false);
      if (file === undefined) return undefined;
      const access = await lock(file);
      try {
        const data = new Uint8Array(access.getSize());
        const got = access.read(data, { at: 0 });
        if (got !== data.byteLength) throw new StorageError(`${name} ended early while it was read.`);
        return data;
      } finally {
        access.close();
      }
    },
    async write(name, parts) {
      checkName(name);
      const total = parts.reduce((sum, part) => sum + part.byteLength, 0);
      try {
        const file = await fileIn(folder, name, true);
        if (file === undefined) throw new StorageError(`${name} could not be made.`);
        const access = await lock(file);
        try {
          access.truncate(0);
          let at = 0;
          for (const part of parts) {
            // Browsers take at most what one call can hold; a smaller count means the quota ended there.
            const put = access.write(part, { at });
            if (put !== part.byteLength) throw new StorageFullError(total);
            at += put;
          }
          access.flush();
        } finally {
          access.close();
        }
      } catch (error) {
        if (error instanceof StorageError) throw error;
        if (nameOf(error) === 'QuotaExceededError') throw new StorageFullError(total, { cause: error });
        throw new StorageError(`${name} cannot be saved: ${messageOf(error)}`, { cause: error });
      }
    },
    async remove(name) {
      checkName(name);
      try {
        await folder.removeEntry(name);
      } catch (error) {
        if (nameOf(error) === 'NotFoundError') return;
        if (nameOf(error) === 'NoModificationAllowedError') throw new StorageBusyError({ cause: error });
        throw new StorageError(`${name} cannot be removed: ${messageOf(error)}`, { cause: error });
      }
    },
  };
}

async function fileIn(
  folder: FileSystemDirectoryHandle,
  name: string,
  create: boolean,
): Promise<FileSystemFileHandle | undefined> {
  try {
    return await folder.getFileHandle(name, { create });
  } catch (error) {
    if (!create && nameOf(error) === 'NotFoundError') return undefined;
    throw error;
  }
}

/** Takes the file's exclusive lock, which another tab may hold. */
async function lock(file: FileSystemFileHandle): Promise<FileSystemSyncAccessHandle> {
  try {
    return await file.createSyncAccessHandle();
  } catch (error) {
    if (nameOf(error) === 'NoModificationAllowedError') throw new StorageBusyError({ cause: error });
    throw error;
  }
}

// DOMExceptions of other realms fail instanceof, so only the name is asked.
function nameOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'name' in error && typeof error.name === 'string'
    ? error.name
    : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
