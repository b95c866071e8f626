/**
 * The optional files that a model's server does not have: a small JSON file beside the model's own files. A
 * resumed download asks the server only for what is missing, not again for what it never had.
 */
import type { FileStore } from './file-store.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';
import { isFileName, MAX_FILES } from './model-source.ts';

/** No file of a model has this name. */
const ABSENT_FILE = 'starling-absent.json';
const LIMIT = 1 << 16;

/** Names of the files known to be absent at `url`, the model's folder. Empty where nothing is known of it. */
export async function readAbsentFiles(store: FileStore, url: string): Promise<ReadonlySet<string>> {
  const json = await readJsonFile(store, ABSENT_FILE, LIMIT);
  if (typeof json !== 'object' || json === null) return new Set();
  const kept = json as Record<string, unknown>;
  if (kept.url !== url || !Array.isArray(kept.files) || kept.files.length > MAX_FILES) return new Set();
  return new Set(kept.files.filter((name) => typeof name === 'string' && isFileName(name)));
}

export function writeAbsentFiles(store: FileStore, url: string, names: Iterable<string>): Promise<void> {
  return writeJsonFile(store, ABSENT_FILE, { url, files: [...names] });
}
