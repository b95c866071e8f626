/** The state of a file's download: `<name>.state` beside the file, JSON. */
import type { FileStore } from './file-store.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';

export interface FileState {
  readonly url: string;
  /** Bytes of the whole file, once known. */
  readonly size?: number;
  /** The server's name for this version of the file: an entity tag or a date. */
  readonly validator?: string;
  /** Hash of the whole file. Present once the whole file is there and was hashed. */
  readonly sha256?: string;
  /** Whether the caller or the server named the hash beforehand. The file calls this `vouched`. */
  readonly verified: boolean;
}

/** The place of a file that came from members or a folder. */
export const GIVEN = 'given';

const LIMIT = 8192;

const stateFile = (name: string): string => `${name}.state`;

/** The state, or undefined when there is none, or it is torn or foreign. */
export async function readState(store: FileStore, name: string): Promise<FileState | undefined> {
  return parseState(await readJsonFile(store, stateFile(name), LIMIT));
}

export function writeState(
  store: FileStore,
  name: string,
  { url, verified, size, validator, sha256 }: FileState,
): Promise<void> {
  return writeJsonFile(store, stateFile(name), { url, vouched: verified, size, validator, sha256 });
}

/** Deletes the state, so that the file's download starts over. */
export function removeState(store: FileStore, name: string): Promise<void> {
  return store.remove(stateFile(name));
}

function parseState(json: unknown): FileState | undefined {
  if (typeof json !== 'object' || json === null) return undefined;
  const { url, size, validator, sha256, vouched } = json as Record<string, unknown>;
  if (typeof url !== 'string' || typeof vouched !== 'boolean') return undefined;
  return {
    url,
    verified: vouched,
    ...(typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? { size } : {}),
    ...(typeof validator === 'string' && /^[\x20-\x7e]*$/.test(validator) ? { validator } : {}),
    ...(typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256) ? { sha256 } : {}),
  };
}
