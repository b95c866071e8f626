/** The record of a downloaded model: a small JSON file beside the model's own files. */
import type { Hex } from '../../protocol/hex.ts';
import type { DownloadedModel } from './download.ts';
import type { FileStore } from './file-store.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';
import { isFileName, MAX_FILES } from './model-source.ts';

/** Who named the hashes of a model's files. `swarm`: the specification of a swarm that starts from it. */
export type VerifiedBy = DownloadedModel['verifiedBy'] | 'swarm';

export interface LibraryRecord {
  /** The model's folder. Null for the base of a swarm, whose files may come from anywhere. */
  readonly url: string | null;
  /** The base's name in its swarm. Null for a model of an address. */
  readonly name: string | null;
  /** Root of the files. Null until all of them are there. */
  readonly root: Hex | null;
  /** Who named the files' hashes. The file calls this `vouched`. */
  readonly verifiedBy: VerifiedBy | null;
  /** Bytes of the whole model, once known. */
  readonly total: number | null;
  /** SHA-256 that the files must have, by name. Null when nobody named any. */
  readonly hashes: ReadonlyMap<string, string> | null;
  /** Names of the model's files, once all of them are there. */
  readonly files: readonly string[];
}

/** The record of a model of which nothing is known yet. */
export const EMPTY_RECORD: Omit<LibraryRecord, 'url'> = {
  name: null,
  root: null,
  verifiedBy: null,
  total: null,
  hashes: null,
  files: [],
};

/** No file of a model has this name. */
const RECORD_FILE = 'starling-record.json';
const LIMIT = 1 << 20;
const MAX_NAME = 200;
const VERIFIERS: readonly VerifiedBy[] = ['caller', 'server', 'nobody', 'swarm'];

/**
 * The record, or undefined when there is none or it is torn. The model is then downloaded again, and the
 * states of its files decide which of them are still usable.
 */
export async function readRecord(store: FileStore): Promise<LibraryRecord | undefined> {
  return parseRecord(await readJsonFile(store, RECORD_FILE, LIMIT));
}

export function writeRecord(
  store: FileStore,
  { url, name, root, verifiedBy, total, hashes, files }: LibraryRecord,
): Promise<void> {
  return writeJsonFile(store, RECORD_FILE, {
    root,
    vouched: verifiedBy,
    total,
    hashes: hashes === null ? null : Object.fromEntries(hashes),
    files,
    url,
    name,
  });
}

function parseRecord(json: unknown): LibraryRecord | undefined {
  if (typeof json !== 'object' || json === null) return undefined;
  const { url, name, root, vouched, total, hashes, files } = json as Record<string, unknown>;
  if (!Array.isArray(files) || files.length > MAX_FILES) return undefined;
  if (typeof url !== 'string' && (url !== null || typeof name !== 'string')) return undefined;
  const names = files.filter((name): name is string => typeof name === 'string' && isFileName(name));
  return {
    url,
    name: typeof name === 'string' ? name.slice(0, MAX_NAME) : null,
    root: isRoot(root) && names.length === files.length ? root : null,
    verifiedBy: VERIFIERS.find((each) => each === vouched) ?? null,
    total: typeof total === 'number' && Number.isSafeInteger(total) && total > 0 ? total : null,
    hashes: parseMap(hashes),
    files: names,
  };
}

function isRoot(value: unknown): value is Hex {
  return typeof value === 'string' && /^0x[0-9a-f]{64}$/.test(value);
}

function parseMap(value: unknown): ReadonlyMap<string, string> | null {
  if (typeof value !== 'object' || value === null) return null;
  const entries = Object.entries(value).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && /^[0-9a-f]{64}$/.test(entry[1]),
  );
  return entries.length === 0 ? null : new Map(entries);
}
