/** A swarm's files on a disk: whether they are those that a specification names, and serving them. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { SourceFile } from '../../protocol/swarm-spec.ts';
import type { LocalFile } from '../../swarm/content/local-files.ts';
import { readPart } from './read-part.ts';

/** Whether bytes are the file that a specification names. */
export function isFile({ size, sha256 }: SourceFile, bytes: Uint8Array): boolean {
  return bytes.length === size && toHex(sha256Of(bytes)) === sha256;
}

/** Whether the file at a path is the one that a specification names. Reads all of it, in pieces. */
export async function isFileAt(
  { size, sha256 }: SourceFile,
  path: string,
  signal?: AbortSignal,
): Promise<boolean> {
  if ((await stat(path).catch(() => undefined))?.size !== size) return false;
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const piece of createReadStream(path, signal === undefined ? {} : { signal })) {
      hash.update(piece);
      bytes += piece.length;
      if (bytes > size) return false;
    }
  } catch {
    signal?.throwIfAborted();
    return false;
  }
  return bytes === size && `0x${hash.digest('hex')}` === sha256;
}

/** The file at a path; undefined when another one is there, or none. */
export async function readNamedFile(file: SourceFile, path: string): Promise<Uint8Array | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  return bytes !== undefined && isFile(file, bytes) ? new Uint8Array(bytes) : undefined;
}

/** A file on a disk that is served. Whoever asks for a part opens it, so that nothing stays open. */
export function fileInFolder({ size }: Pick<SourceFile, 'size'>, path: string): LocalFile {
  return { size, read: (offset, length) => readPart(path, offset, length) };
}
