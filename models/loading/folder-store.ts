import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StorageError, StorageFullError } from '../storage/directory.ts';
import { checkFileName } from './source.ts';
import type { FileStore, StoredFile } from './store.ts';

/** A FileStore on a disk (Node). */
export async function openFolderStore(path: string): Promise<FileStore> {
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
    throw new StorageError(`${path} cannot be opened: ${messageOf(error)}`, { cause: error });
  }
}

function storedFile(name: string, file: FileHandle): StoredFile {
  return {
    size: async () => (await file.stat()).size,
    read: (offset, length) => readExactly(name, file, offset, length),
    async write(offset, bytes) {
      try {
        for (let at = 0; at < bytes.length; ) {
          const { bytesWritten } = await file.write(bytes, at, bytes.length - at, offset + at);
          if (bytesWritten === 0) throw new StorageError('The disk accepts no more bytes.');
          at += bytesWritten;
        }
      } catch (error) {
        const code = codeOf(error);
        if (code === 'ENOSPC' || code === 'EDQUOT')
          throw new StorageFullError(bytes.length, { cause: error });
        throw new StorageError(`${name} cannot be written: ${messageOf(error)}`, { cause: error });
      }
    },
    truncate: (size) => file.truncate(size),
    flush: () => file.sync(),
    close: () => file.close(),
  };
}

/** `length` bytes of an open file from `offset`. Throws StorageError when it ends before. */
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

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
