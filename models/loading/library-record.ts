/** What is known of a downloaded model: a small JSON file beside its own files. */
import type { Hex } from '../../protocol/hex.ts';
import type { DownloadedModel } from './download.ts';
import { isFileName, MAX_FILES } from './source.ts';
import type { FileStore } from './store.ts';

export interface LibraryRecord {
  readonly url: string;
  /** Null until everything is here. */
  readonly root: Hex | null;
  readonly vouched: DownloadedModel['vouched'] | null;
  /** Bytes of the whole model, once known. */
  readonly total: number | null;
  /** SHA-256 that files must have, by name; null when nobody gave any. */
  readonly hashes: ReadonlyMap<string, string> | null;
  /** Names of the files that belong to it, once all are here. */
  readonly files: readonly string[];
}

/** No file of a model is called so. */
const RECORD_FILE = 'starling-record.json';
const LIMIT = 1 << 20;

/** The record, or undefined when there is none or it is torn: then the model is downloaded again, file by file as its states allow. */
export async function readRecord(store: FileStore): Promise<LibraryRecord | undefined> {
  const file = await store.open(RECORD_FILE);
  if (file === undefined) return undefined;
  try {
    const size = await file.size();
    return size > LIMIT ? undefined : parseRecord(await file.read(0, size));
  } finally {
    await file.close();
  }
}

export async function writeRecord(store: FileStore, record: LibraryRecord): Promise<void> {
  const file = await store.open(RECORD_FILE, { create: true });
  try {
    await file?.truncate(0);
    const hashes = record.hashes === null ? null : Object.fromEntries(record.hashes);
    await file?.write(0, new TextEncoder().encode(JSON.stringify({ ...record, hashes })));
    await file?.flush();
  } finally {
    await file?.close();
  }
}

function parseRecord(bytes: Uint8Array): LibraryRecord | undefined {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  if (typeof json !== 'object' || json === null) return undefined;
  const { url, root, vouched, total, hashes, files } = json as Record<string, unknown>;
  if (typeof url !== 'string' || !Array.isArray(files) || files.length > MAX_FILES) return undefined;
  const names = files.filter((name): name is string => typeof name === 'string' && isFileName(name));
  return {
    url,
    root: isRoot(root) && names.length === files.length ? root : null,
    vouched: vouched === 'caller' || vouched === 'server' || vouched === 'nobody' ? vouched : null,
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
