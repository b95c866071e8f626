import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { checkName, type Directory } from './directory.ts';
import { codeOf, diskError, writeAll } from './disk.ts';

/**
 * A Directory on a disk (Node). Every write ends with fsync of the file and of the folder, so that a resolved
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
        // A copy in its own buffer, since pooled memory cannot be transferred to another thread.
        return new Uint8Array(await readFile(join(path, name)));
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined;
        throw diskError(`${join(path, name)} cannot be read`, 0, error);
      }
    },
    async readPart(name, offset, length) {
      checkName(name);
      try {
        const file = await open(join(path, name), 'r');
        try {
          const bytes = new Uint8Array(length);
          for (let at = 0; at < length; ) {
            const { bytesRead } = await file.read(bytes, at, length - at, offset + at);
            if (bytesRead === 0) return undefined;
            at += bytesRead;
          }
          return bytes;
        } finally {
          await file.close();
        }
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined;
        throw diskError(`${join(path, name)} cannot be read`, 0, error);
      }
    },
    async write(name, parts) {
      checkName(name);
      const total = parts.reduce((sum, part) => sum + part.byteLength, 0);
      try {
        const file = await open(join(path, name), 'w');
        try {
          let at = 0;
          for (const part of parts) {
            await writeAll(file, part, at);
            at += part.byteLength;
          }
          await file.sync();
        } finally {
          await file.close();
        }
        await syncFolder(path);
      } catch (error) {
        throw diskError(`${join(path, name)} cannot be written`, total, error);
      }
    },
    async remove(name) {
      checkName(name);
      await rm(join(path, name), { force: true });
    },
  };
}

/** Makes a new file name durable. Windows cannot open folders; there the system takes care of it. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
