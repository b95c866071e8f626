import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StorageError } from '../storage/directory.ts';
import { codeOf, diskError, writeAll } from '../storage/disk.ts';
import type { FileStore, StoredFile } from './file-store.ts';
import { checkFileName } from './model-source.ts';

/** A FileStore on a disk (Node). */
export async function openFolderFileStore(path: string): Promise<FileStore> {
  await mkdir(path, { recursive: true });
  return {
    description: path,
    async list() {
      const entries = await readdir(path, { withFileTypes: true });
      return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
    },
    async open(name, { create = false } = {}) {
      checkFileName(name);
      const file = await openExisting(join(path, name));
      if (file !== undefined) return storedFile(name, file);
      if (!create) return undefined;
      return storedFile(name, await open(join(path, name), 'w+'));
    },
    async remove(name) {
      checkFileName(name);
      await rm(join(path, name), { force: true });
    },
  };
}

async function openExisting(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw diskError(`${path} cannot be opened`, 0, error);
  }
}

function storedFile(name: string, file: FileHandle): StoredFile {
  return {
    size: async () => (await file.stat()).size,
    read: (offset, length) => readExactly(name, file, offset, length),
    async write(offset, bytes) {
      try {
        await writeAll(file, bytes, offset);
      } catch (error) {
        throw diskError(`${name} cannot be written`, bytes.length, error);
      }
    },
    async truncate(size) {
      try {
        await file.truncate(size);
      } catch (error) {
        throw diskError(`${name} cannot be written`, size, error);
      }
    },
    flush: () => file.sync(),
    close: () => file.close(),
  };
}

/**
 * Exactly `length` bytes of an open file from `offset`. Throws StorageError when the file ends before them.
 */
export async function readExactly(
  name: string,
  file: FileHandle,
  offset: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await file.read(bytes, at, length - at, offset + at);
    if (bytesRead === 0) throw new StorageError(`${name} ended early while it was read.`);
    at += bytesRead;
  }
  return bytes;
}
