import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { checkName, type Directory, StorageError, StorageFullError } from './directory.ts';

/**
 * A Directory on a disk (Node). Every write is followed by fsync of the file and of the folder, so that a resolved
 * `write` survives a power cut as far as the disk keeps its promises.
 */
export async function openFileDirectory(path: string): Promise<Directory> {
  await mkdir(path, { recursive: true });
  return {
    async list() {
      const entries = await readdir(path, { withFileTypes: true });
      return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
    },
    async read(name) {
      checkName(name);
      try {
        // A copy with a buffer of its own: pooled memory cannot be transferred to another thread.
        return new Uint8Array(await readFile(join(path, name)));
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined;
        throw new StorageError(`${join(path, name)} cannot be read: ${messageOf(error)}`, { cause: error });
      }
    },
    async write(name, parts) {
      checkName(name);
      const total = parts.reduce((sum, part) => sum + part.byteLength, 0);
      try {
        const file = await open(join(path, name), 'w');
        try {
          for (const part of parts) await writeAll(file, part);
          await file.sync();
        } finally {
          await file.close();
        }
        await syncFolder(path);
      } catch (error) {
        const code = codeOf(error);
        if (code === 'ENOSPC' || code === 'EDQUOT') throw new StorageFullError(total, { cause: error });
        throw new StorageError(`${join(path, name)} cannot be written: ${messageOf(error)}`, {
          cause: error,
        });
      }
    },
    async remove(name) {
      checkName(name);
      await rm(join(path, name), { force: true });
    },
  };
}

interface WritableFile {
  write(data: Uint8Array, offset: number, length: number): Promise<{ readonly bytesWritten: number }>;
}

/** POSIX lets write() accept less than it was given (a nearly full disk does). */
async function writeAll(file: WritableFile, data: Uint8Array): Promise<void> {
  let offset = 0;
  while (offset < data.byteLength) {
    const { bytesWritten } = await file.write(data, offset, data.byteLength - offset);
    if (bytesWritten === 0) throw new StorageError('The disk accepts no more bytes.');
    offset += bytesWritten;
  }
}

/** A new name is durable only once its folder is. Windows cannot open folders; there the rename of metadata is the system's affair. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
