/** Small JSON files in a FileStore. */
import type { FileStore } from './file-store.ts';

/**
 * The value of a JSON file. Undefined when there is no such file, it has more than `limit` bytes, or it is
 * not JSON.
 */
export async function readJsonFile(store: FileStore, name: string, limit: number): Promise<unknown> {
  const file = await store.open(name);
  if (file === undefined) return undefined;
  try {
    const size = await file.size();
    return size > limit ? undefined : parse(await file.read(0, size));
  } finally {
    await file.close();
  }
}

/**
 * Replaces a file by the JSON of `value`. A crash meanwhile leaves a file that is not JSON. Throws
 * StorageError.
 */
export async function writeJsonFile(store: FileStore, name: string, value: unknown): Promise<void> {
  const file = await store.open(name, { create: true });
  try {
    await file?.truncate(0);
    await file?.write(0, new TextEncoder().encode(JSON.stringify(value)));
    await file?.flush();
  } finally {
    await file?.close();
  }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
