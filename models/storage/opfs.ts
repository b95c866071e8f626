/**
 * The browser's origin-private file system (File System Standard, section 2.6): opening folders, and its
 * errors.
 */
import { messageOf } from '../../protocol/message-of.ts';
import { checkName, StorageBusyError, StorageError, StorageFullError } from './directory.ts';

export interface OpfsFolderOptions {
  /** Opens the folder at which the path starts. Defaults to the root of the page's file system. */
  readonly root?: () => Promise<FileSystemDirectoryHandle>;
  /** What a person can do in a browser that gives no storage. Defaults to opening a normal window. */
  readonly remedy?: string;
}

/**
 * Opens a folder, making each missing folder of the path. Throws StorageError for a bad name, or when the
 * browser gives the page no storage.
 */
export async function openOpfsFolder(
  path: readonly string[],
  options: OpfsFolderOptions = {},
): Promise<FileSystemDirectoryHandle> {
  const { root = () => navigator.storage.getDirectory(), remedy = 'Open Starling in a normal window.' } =
    options;
  try {
    let folder = await root();
    for (const name of path) {
      checkName(name);
      folder = await folder.getDirectoryHandle(name, { create: true });
    }
    return folder;
  } catch (error) {
    if (error instanceof StorageError) throw error;
    throw new StorageError(
      `This browser gives the page no storage of its own (a private window does this). ${remedy}`,
      { cause: error },
    );
  }
}

/** Names of a folder's entries of one kind. */
export async function entryNames(
  folder: FileSystemDirectoryHandle,
  kind: FileSystemHandleKind,
): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const [name, handle] of folder.entries()) if (handle.kind === kind) names.push(name);
  return names;
}

/**
 * The handle of a file; with `create` a missing file is made. Returns undefined for a missing file otherwise.
 * Throws StorageError.
 */
export async function fileHandle(
  folder: FileSystemDirectoryHandle,
  name: string,
  options: { readonly create: boolean },
): Promise<FileSystemFileHandle | undefined> {
  try {
    return await folder.getFileHandle(name, options);
  } catch (error) {
    if (!options.create && errorName(error) === 'NotFoundError') return undefined;
    throw opfsError(`${name} cannot be used`, 0, error);
  }
}

/**
 * Opens a file with its exclusive lock. Throws StorageBusyError when another tab holds it, and StorageError.
 */
export async function lockFile(
  name: string,
  file: FileSystemFileHandle,
): Promise<FileSystemSyncAccessHandle> {
  try {
    return await file.createSyncAccessHandle();
  } catch (error) {
    throw opfsError(`${name} cannot be used`, 0, error);
  }
}

/**
 * Deletes a file, or with `recursive` a folder. Does nothing when there is none. Throws StorageBusyError,
 * StorageError.
 */
export async function removeEntry(
  folder: FileSystemDirectoryHandle,
  name: string,
  options: { readonly recursive?: boolean } = {},
): Promise<void> {
  try {
    await folder.removeEntry(name, options);
  } catch (error) {
    if (errorName(error) !== 'NotFoundError') throw opfsError(`${name} cannot be removed`, 0, error);
  }
}

/**
 * The StorageError for a failure of the file system. `needed` is the number of bytes that were to be written.
 */
export function opfsError(problem: string, needed: number, error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const kind = errorName(error);
  if (kind === 'QuotaExceededError') return new StorageFullError(needed, { cause: error });
  if (kind === 'NoModificationAllowedError') return new StorageBusyError({ cause: error });
  return new StorageError(`${problem}: ${messageOf(error)}`, { cause: error });
}

/** The name of an error. DOMExceptions of other realms fail `instanceof`, so only their name can be read. */
function errorName(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'name' in error && typeof error.name === 'string'
    ? error.name
    : undefined;
}
