import { checkName, type Directory, StorageError, StorageFullError } from './directory.ts';
import { entryNames, fileHandle, lockFile, openOpfsFolder, opfsError, removeEntry } from './opfs.ts';

/**
 * A Directory in the browser's origin-private file system. `read` and `write` work in dedicated workers only:
 * no other thread has synchronous access handles, and only they have `flush`. Throws StorageError.
 */
export async function openOpfsDirectory(path: readonly string[]): Promise<Directory> {
  const folder = await openOpfsFolder(path);
  return {
    list: () => entryNames(folder, 'file'),
    async read(name) {
      checkName(name);
      const file = await fileHandle(folder, name, { create: false });
      if (file === undefined) return undefined;
      const access = await lockFile(name, file);
      try {
        const data = new Uint8Array(access.getSize());
        const count = access.read(data, { at: 0 });
        if (count !== data.byteLength) throw new StorageError(`${name} ended early while it was read.`);
        return data;
      } finally {
        access.close();
      }
    },
    async readPart(name, offset, length) {
      checkName(name);
      const handle = await fileHandle(folder, name, { create: false });
      if (handle === undefined) return undefined;
      try {
        // Without the file's lock, so that several readers, and a page's main thread, can read at once.
        const part = await (await handle.getFile()).slice(offset, offset + length).arrayBuffer();
        return part.byteLength === length ? new Uint8Array(part) : undefined;
      } catch (error) {
        throw opfsError(`${name} cannot be read`, 0, error);
      }
    },
    async write(name, parts) {
      checkName(name);
      const total = parts.reduce((sum, part) => sum + part.byteLength, 0);
      try {
        const file = await fileHandle(folder, name, { create: true });
        if (file === undefined) throw new StorageError(`${name} could not be made.`);
        const access = await lockFile(name, file);
        try {
          access.truncate(0);
          let at = 0;
          for (const part of parts) {
            // A smaller count means that the quota ended there.
            const count = access.write(part, { at });
            if (count !== part.byteLength) throw new StorageFullError(total);
            at += count;
          }
          access.flush();
        } finally {
          access.close();
        }
      } catch (error) {
        throw opfsError(`${name} cannot be saved`, total, error);
      }
    },
    async remove(name) {
      checkName(name);
      await removeEntry(folder, name);
    },
  };
}
