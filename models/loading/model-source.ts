/** The source of a model's files: a folder, a file picker, or the downloaded models. */
import type { ByteReader } from '../checkpoint/safetensors-reader.ts';
import { FOREIGN_HEAD_BYTES, foreignContent } from './foreign-content.ts';

export interface ModelSource {
  /** The place in words for people, such as a path or a URL. */
  readonly description: string;
  /** Names of the files, at most `MAX_FILES`. */
  list(signal?: AbortSignal): Promise<readonly string[]>;
  /** The file of that name, or undefined when there is none. */
  open(name: string, signal?: AbortSignal): Promise<ByteReader | undefined>;
}

/** A model's files cannot be read, or do not belong together. The message tells the remedy. */
export class ModelLoadError extends Error {
  override readonly name: string = 'ModelLoadError';
}

export const MAX_FILES = 1024;

/** Whether `name` is a plain file name, without a folder, that every file system accepts. */
export function isFileName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(name);
}

/** Throws ModelLoadError for a name that could leave the folder, or that some file system would change. */
export function checkFileName(name: string): void {
  if (isFileName(name)) return;
  throw new ModelLoadError(
    `${JSON.stringify(name.slice(0, 80))} cannot be a model file's name; fetch the model again`,
  );
}

/** Throws ModelLoadError when the file is a web page or a Git LFS pointer. */
export async function checkContent(name: string, file: ByteReader, signal?: AbortSignal): Promise<void> {
  const head = await file.read(0, Math.min(file.size, FOREIGN_HEAD_BYTES), signal);
  const foreign = foreignContent(head);
  if (foreign !== undefined) throw new ModelLoadError(`${name} ${foreign.sentence}`);
}

/**
 * The whole file. Throws ModelLoadError when it is missing, larger than `limit` bytes, or something else in
 * its place.
 */
export async function readWhole(
  source: ModelSource,
  name: string,
  limit: number,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const file = await source.open(name, signal);
  if (file === undefined) {
    throw new ModelLoadError(`${source.description} has no ${name}; choose a folder with a whole model`);
  }
  if (file.size > limit) {
    throw new ModelLoadError(
      `${name} has ${file.size} bytes, more than the ${limit} that one may have; use another model`,
    );
  }
  await checkContent(name, file, signal);
  return file.read(0, file.size, signal);
}
