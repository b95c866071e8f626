/**
 * Downloads one file over HTTP into a store: Range requests (RFC 9110, section 14), If-Range, limits,
 * SHA-256.
 */
import { sha256 as sha256Hash } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { StorageError } from '../storage/directory.ts';
import { type FileState, readState, removeState, writeState } from './file-state.ts';
import type { FileStore, StoredFile } from './file-store.ts';
import { FOREIGN_HEAD_BYTES, foreignContent } from './foreign-content.ts';
import { ModelLoadError } from './model-source.ts';

export interface DownloadLimits {
  /** Most bytes of one file. Defaults to 64 GiB. */
  readonly fileBytes?: number;
  /** Most bytes of all files. Defaults to 128 GiB. */
  readonly totalBytes?: number;
}

export interface FileProgress {
  readonly fileBytes: number;
  /** Absent when the server does not tell it. */
  readonly fileSize?: number;
}

export interface FetchFileOptions {
  readonly url: URL;
  readonly name: string;
  /** Whether a missing file (404, or a web page in its place) gives undefined instead of an error. */
  readonly optional: boolean;
  readonly store: FileStore;
  /** Most bytes that the file may have. */
  readonly limit: number;
  /** The hash that the file must have, in lower-case hex. Defaults to any hash. */
  readonly sha256?: string;
  readonly fetch: typeof globalThis.fetch;
  /** Further attempts after a broken connection. */
  readonly retries: number;
  readonly wait: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  readonly onProgress: (progress: FileProgress) => void;
  readonly signal?: AbortSignal;
}

export interface FetchedFile {
  readonly size: number;
  readonly sha256: string;
  /** Whether the caller or the server's `x-linked-etag` named the hash beforehand. */
  readonly verified: boolean;
}

/** A file does not have the hash that it must have. It was deleted from the store. */
export class HashMismatchError extends ModelLoadError {
  override readonly name = 'HashMismatchError';
}

/** The connection broke, or the server failed for now: another attempt may succeed. */
class InterruptedError extends ModelLoadError {
  override readonly name: string = 'InterruptedError';
}

/** No response came. In a browser the server may also forbid other pages, or a header of the request. */
class UnreachableError extends InterruptedError {}

/** Bytes that are hashed at a time. */
const HASH_BYTES = 1 << 22;
const FIRST_WAIT_MS = 500;

/**
 * Fetches the missing part of a file. Throws ModelLoadError when the server does not give it,
 * HashMismatchError, StorageError, or the signal's reason. The part that has arrived stays in the store for
 * the next call.
 */
export async function fetchFile(options: FetchFileOptions): Promise<FetchedFile | undefined> {
  const { name, store, signal } = options;
  let conditional = true;
  for (let failures = 0; ; failures++) {
    signal?.throwIfAborted();
    const file = await store.open(name, { create: true });
    if (file === undefined) throw new StorageError(`${name} could not be made in ${store.description}.`);
    try {
      const found = await attempt({ ...options, conditional }, file);
      if (found !== undefined) return found;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof InterruptedError) || failures >= options.retries) throw error;
      if (error instanceof UnreachableError) conditional = false;
      await options.wait(FIRST_WAIT_MS * 2 ** failures, signal);
      continue;
    } finally {
      await file.close();
    }
    await removeState(store, name);
    await store.remove(name);
    return undefined;
  }
}

/**
 * If-Range saves a request when the file has changed. A browser must ask another site for permission to send
 * it, and not every site permits it. Without the header, the entity tag of the response shows a change.
 */
interface Attempt extends FetchFileOptions {
  readonly conditional: boolean;
}

/** Makes at most one request. Returns undefined when the file is optional and does not exist. */
async function attempt(options: Attempt, file: StoredFile): Promise<FetchedFile | undefined> {
  const { name, store, url } = options;
  const state = await readState(store, name);
  const known = state?.url === url.href ? state : undefined;
  const present = await file.size();
  if (known?.sha256 !== undefined && known.size === present) {
    const wanted = options.sha256;
    // A page that an earlier version stored as the file is asked for again.
    const whole = wanted === undefined ? (await foreignIn(file, present)) === undefined : true;
    if (whole && (wanted === undefined || wanted === known.sha256)) {
      options.onProgress({ fileBytes: present, fileSize: present });
      return { size: present, sha256: known.sha256, verified: wanted !== undefined || known.verified };
    }
  }
  // Without a validator, only a hash known beforehand can show that the rest belongs to the part in the
  // store.
  const resumable = known !== undefined && (known.validator !== undefined || options.sha256 !== undefined);
  const resuming = resumable && known.sha256 === undefined && present <= (known.size ?? present);
  // A complete file requests its last byte again, since the response shows whether the file is still the
  // same.
  const from = resuming ? Math.max(0, Math.min(present, (known.size ?? present + 1) - 1)) : 0;
  const response = await request(options, from, known);
  if (response === undefined) return undefined;
  const start = await accept(options, file, response, { from, state: known });
  return receive(options, file, start);
}

async function request(
  options: Attempt,
  from: number,
  state: FileState | undefined,
): Promise<Response | undefined> {
  const headers = new Headers();
  if (from > 0) {
    headers.set('range', `bytes=${from}-`);
    if (options.conditional && state?.validator !== undefined) headers.set('if-range', state.validator);
  }
  let response: Response;
  try {
    response = await options.fetch(options.url, {
      headers,
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      signal: options.signal,
    });
  } catch (cause) {
    if (cause instanceof ModelLoadError) throw cause;
    throw new UnreachableError(
      `${options.url.href} cannot be reached; check the address and the connection, and in a browser that its server lets other pages read it (CORS)`,
      { cause },
    );
  }
  if (response.status === 200 || response.status === 206 || response.status === 416) return response;
  await response.body?.cancel();
  if (response.status === 404 && options.optional) return undefined;
  const problem = `${options.url.href} answered ${response.status}`;
  if (response.status === 408 || response.status === 429 || response.status >= 500) {
    throw new InterruptedError(`${problem}; try again later`);
  }
  throw new ModelLoadError(
    response.status === 404
      ? `${problem}; the address must be the folder that has config.json`
      : `${problem}; use a public model or another address`,
  );
}

/** A response that was accepted, and where its body starts in the file. */
interface AcceptedResponse {
  readonly response: Response;
  readonly at: number;
  readonly size?: number;
  /** The hash that the file must have. */
  readonly expected?: string;
  readonly state: FileState;
}

/** Reads the headers of a response. A changed file, or a server without ranges, starts over. */
async function accept(
  options: FetchFileOptions,
  file: StoredFile,
  response: Response,
  requested: { readonly from: number; readonly state: FileState | undefined },
): Promise<AcceptedResponse> {
  const { name, store, limit } = options;
  const validator = validatorOf(response.headers);
  let at = 0;
  let size = contentLength(response.headers);
  if (response.status !== 200) {
    const range = contentRange(response.headers);
    const same = requested.state?.validator === undefined || requested.state.validator === validator;
    const fits = range?.first === requested.from && (requested.state?.size ?? range.size) === range.size;
    if (response.status === 416 || !same || !fits || requested.from === 0) {
      await response.body?.cancel();
      await removeState(store, name);
      await file.truncate(0);
      throw new InterruptedError(`${options.url.href} changed while it was fetched; fetch it again`);
    }
    at = requested.from;
    size = range.size;
  } else {
    await file.truncate(0);
  }
  if (size !== undefined && size > limit) {
    await response.body?.cancel();
    throw new ModelLoadError(`${name} has ${size} bytes, over the limit of ${limit}; use a smaller model`);
  }
  const linked = /^"?([0-9a-f]{64})"?$/.exec(response.headers.get('x-linked-etag') ?? '')?.[1];
  const expected = options.sha256 ?? linked;
  const state: FileState = {
    url: options.url.href,
    verified: expected !== undefined,
    size,
    validator,
  };
  await writeState(store, name, state);
  return { response, at, state, size, expected };
}

/**
 * Writes the body, then checks length, content and hash. Undefined for a page in place of an optional file.
 */
async function receive(
  options: FetchFileOptions,
  file: StoredFile,
  start: AcceptedResponse,
): Promise<FetchedFile | undefined> {
  const { name, store, limit, signal } = options;
  const { response, size, expected } = start;
  const hash = sha256Hash.create();
  for (let at = 0; at < start.at; at += HASH_BYTES) {
    signal?.throwIfAborted();
    hash.update(await file.read(at, Math.min(HASH_BYTES, start.at - at)));
  }
  let at = start.at;
  const report = () => options.onProgress({ fileBytes: at, fileSize: size });
  report();
  const body = response.body?.getReader();
  try {
    while (body !== undefined) {
      signal?.throwIfAborted();
      const { done, value } = await abortable(body.read(), signal).catch((cause: unknown) => {
        signal?.throwIfAborted();
        throw new InterruptedError(`${name} broke off at byte ${at}; try again to go on from there`, {
          cause,
        });
      });
      if (done || value === undefined) break;
      if (at + value.length > (size ?? limit)) {
        await removeState(store, name);
        await file.truncate(0);
        throw new ModelLoadError(`${name} is longer than ${size ?? limit} bytes; use another address`);
      }
      await file.write(at, value);
      hash.update(value);
      at += value.length;
      report();
    }
  } finally {
    // Not awaited: for an aborted body it may never settle.
    body?.cancel().catch(() => undefined);
  }
  if (size !== undefined && at < size) {
    throw new InterruptedError(`${name} ended at byte ${at} of ${size}; try again to go on from there`);
  }
  const foreign = await foreignIn(file, at);
  if (foreign !== undefined) {
    await removeState(store, name);
    await file.truncate(0);
    // Many servers answer with their page, and 200, for every file that they do not have.
    if (options.optional && foreign.kind === 'page') return undefined;
    throw new ModelLoadError(`${options.url.href} ${foreign.sentence}`);
  }
  const sha256 = bytesToHex(hash.digest());
  if (expected !== undefined && sha256 !== expected) {
    await removeState(store, name);
    await file.truncate(0);
    throw new HashMismatchError(
      `${name} has SHA-256 ${sha256}, expected ${expected}; download it again or from elsewhere`,
    );
  }
  await file.flush();
  await writeState(store, name, { ...start.state, size: at, sha256 });
  return { size: at, sha256, verified: start.state.verified };
}

async function foreignIn(file: StoredFile, size: number) {
  return foreignContent(await file.read(0, Math.min(size, FOREIGN_HEAD_BYTES)));
}

/**
 * Rejects with the signal's reason as soon as it aborts, since reading an aborted body does not always
 * settle.
 */
async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop);
  }
}

/**
 * What If-Range accepts: a strong entity tag, or the date. Undefined for a body that was compressed on the
 * way.
 */
function validatorOf(headers: Headers): string | undefined {
  if (isEncoded(headers)) return undefined;
  const tag = headers.get('etag');
  if (tag !== null && /^"[\x21\x23-\x7e]{1,200}"$/.test(tag)) return tag;
  const date = headers.get('last-modified');
  return date !== null && date.length < 64 && !Number.isNaN(Date.parse(date)) ? date : undefined;
}

function isEncoded(headers: Headers): boolean {
  return !['', 'identity'].includes(headers.get('content-encoding')?.trim().toLowerCase() ?? '');
}

function contentLength(headers: Headers): number | undefined {
  const text = headers.get('content-length');
  // The length of a compressed body is not the length of the file.
  return text !== null && !isEncoded(headers) && /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
}

function contentRange(headers: Headers): { readonly first: number; readonly size: number } | undefined {
  const match = /^bytes ([0-9]{1,15})-([0-9]{1,15})\/([0-9]{1,15})$/.exec(headers.get('content-range') ?? '');
  const [, first, last, size] = match ?? [];
  if (first === undefined || Number(last) !== Number(size) - 1) return undefined;
  return { first: Number(first), size: Number(size) };
}
