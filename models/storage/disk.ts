/** What the Node implementations of storage share: whole writes and errors of a disk. */
import { messageOf } from '../../protocol/message-of.ts';
import { StorageError, StorageFullError } from './directory.ts';

interface WritableFile {
  write(
    data: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesWritten: number }>;
}

/**
 * Writes all of `data` at `position`. POSIX lets write() accept less than all, as a nearly full disk does.
 */
export async function writeAll(file: WritableFile, data: Uint8Array, position: number): Promise<void> {
  let offset = 0;
  while (offset < data.byteLength) {
    const { bytesWritten } = await file.write(data, offset, data.byteLength - offset, position + offset);
    if (bytesWritten === 0) throw new StorageError('The disk accepts no more bytes.');
    offset += bytesWritten;
  }
}

/** The StorageError for a failed write of `needed` bytes. `problem` names the file. */
export function diskError(problem: string, needed: number, error: unknown): StorageError {
  const code = codeOf(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return new StorageFullError(needed, { cause: error });
  return new StorageError(`${problem}: ${messageOf(error)}`, { cause: error });
}

/** The system's code of an error, such as "ENOENT". */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
