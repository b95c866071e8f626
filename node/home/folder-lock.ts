import { rmSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readIfThere } from './files.ts';

/** Another process works in the folder. */
export class FolderInUseError extends Error {
  override readonly name = 'FolderInUseError';
}

const NAME = 'in-use';
/** Folders that this process holds. */
const held = new Set<string>();

/**
 * Keeps other processes out of a folder with one device's key, account or checkpoints until the result is
 * called or this one ends. What a killed process left behind is taken over. Throws FolderInUseError when a
 * living process, or this one, holds the folder.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(resolve(folder), NAME);
  if (held.has(path)) throw inUse(folder, process.pid);
  held.add(path);
  try {
    await mkdir(folder, { recursive: true });
    // Once more after a stale lock was removed; whoever comes first then has it.
    if (!(await make(path))) {
      const holder = await holderOf(path);
      if (holder !== undefined) throw inUse(folder, holder);
      await rm(path, { force: true });
      if (!(await make(path))) throw inUse(folder, await holderOf(path));
    }
  } catch (error) {
    held.delete(path);
    throw error;
  }
  const atExit = (): void => rmSync(path, { force: true });
  process.once('exit', atExit);
  return async () => {
    if (!held.delete(path)) return;
    process.off('exit', atExit);
    await rm(path, { force: true });
  };
}

/** Whether the lock was made; false when there is one. */
async function make(path: string): Promise<boolean> {
  try {
    await writeFile(path, `${process.pid}\n`, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** The living process that made the lock; undefined when it is gone. */
async function holderOf(path: string): Promise<number | undefined> {
  const bytes = await readIfThere(path);
  const pid = Number(new TextDecoder().decode(bytes ?? new Uint8Array()).trim());
  // A lock with this process's number is of an earlier process: this one's are known.
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return undefined;
  try {
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    // It lives, but belongs to another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM' ? pid : undefined;
  }
}

function inUse(folder: string, pid: number | undefined): FolderInUseError {
  const who = pid === undefined ? 'another process' : `process ${pid}`;
  return new FolderInUseError(
    `${folder} is in use by ${who}. Stop that one, or name a folder of its own with --home. If it is no process of Starling, remove ${join(folder, NAME)}.`,
  );
}
