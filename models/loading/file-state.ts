/** What is known of a stored file: `<name>.state`, JSON. */
import type { FileStore } from './store.ts';

export interface FileState {
  readonly url: string;
  /** Bytes of the whole file, once known. */
  readonly size?: number;
  /** What the server called this version: an entity tag or a date. */
  readonly validator?: string;
  /** Hash of the whole file; present once all of it is there and was checked. */
  readonly sha256?: string;
  /** Somebody said beforehand what the hash must be. */
  readonly vouched: boolean;
}

const LIMIT = 8192;

/** The state, or undefined when there is none or it is torn or foreign. */
export async function readState(store: FileStore, name: string): Promise<FileState | undefined> {
  const file = await store.open(`${name}.state`);
  if (file === undefined) return undefined;
  try {
    const size = await file.size();
    if (size > LIMIT) return undefined;
    return parseState(await file.read(0, size));
  } finally {
    await file.close();
  }
}

export async function writeState(store: FileStore, name: string, state: FileState): Promise<void> {
  const file = await store.open(`${name}.state`, { create: true });
  try {
    await file?.truncate(0);
    await file?.write(0, new TextEncoder().encode(JSON.stringify(state)));
    await file?.flush();
  } finally {
    await file?.close();
  }
}

function parseState(bytes: Uint8Array): FileState | undefined {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  if (typeof json !== 'object' || json === null) return undefined;
  const { url, size, validator, sha256, vouched } = json as Record<string, unknown>;
  if (typeof url !== 'string' || typeof vouched !== 'boolean') return undefined;
  return {
    url,
    vouched,
    ...(typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? { size } : {}),
    ...(typeof validator === 'string' && /^[\x20-\x7e]*$/.test(validator) ? { validator } : {}),
    ...(typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256) ? { sha256 } : {}),
  };
}
