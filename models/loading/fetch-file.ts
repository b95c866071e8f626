/** One file over HTTP into a store: Range requests (RFC 9110, section 14), If-Range, limits, SHA-256. */
import { sha256 as sha256Hash } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { StorageError } from '../storage/directory.ts';
import { type FileState, readState, writeState } from './file-state.ts';
import { ModelLoadError } from './source.ts';
import type { FileStore, StoredFile } from './store.ts';

export interface DownloadLimits {
  /** Of one file; 64 GiB unless given. */
  readonly fileBytes?: number;
  /** Of all files; 128 GiB unless given. */
  readonly totalBytes?: number;
}

export interface FileProgress {
  readonly fileBytes: number;
  /** Absent where the server does not say. */
  readonly fileSize?: number;
}

export interface FetchFileOptions {
  readonly url: URL;
  readonly name: string;
  /** 404 gives undefined instead of an error. */
  readonly optional: boolean;
  readonly store: FileStore;
  /** Most bytes that it may have. */
  readonly limit: number;
  /** The hash that it must have, in lower-case hex. */
  readonly sha256?: string;
  readonly fetch: typeof globalThis.fetch;
  readonly retries: number;
  readonly wait: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  readonly onProgress: (progress: FileProgress) => void;
  readonly signal?: AbortSignal;
}

export interface FetchedFile {
  readonly size: number;
  readonly sha256: string;
  /** Its hash was given by the caller or by the server's `x-linked-etag`. */
  readonly vouched: boolean;
}

/** A file's bytes are not those that were promised. The file is gone from the store. */
export class HashMismatchError extends ModelLoadError {
  override readonly name = 'HashMismatchError';
}

/** The connection broke or the server failed for now: worth another try. */
class InterruptedError extends ModelLoadError {
  override readonly name: string = 'InterruptedError';
}

/** No answer at all came. In a browser that may also be a server that forbids other pages, or a header of the request. */
class UnreachableError extends InterruptedError {}

const HASH_PIECE = 1 << 22;
const FIRST_WAIT_MS = 500;

/**
 * Fetches what is missing of a file. Throws ModelLoadError when the server does not give it, HashMismatchError, StorageError, or
 * the signal's reason; what has arrived stays in the store for the next call.
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
    await discard(store, name);
    await store.remove(name);
    return undefined;
  }
}

/**
 * If-Range saves a request when the file has changed, but a browser asks another site for leave to send it, which not every site
 * gives. Without it the answer's own entity tag shows the change.
 */
interface Attempt extends FetchFileOptions {
  readonly conditional: boolean;
}

/** One request at most. undefined: there is no such file and it is optional. */
async function attempt(options: Attempt, file: StoredFile): Promise<FetchedFile | undefined> {
  const { name, store, url } = options;
  const state = await readState(store, name);
  const known = state?.url === url.href ? state : undefined;
  const present = await file.size();
  if (known?.sha256 !== undefined && known.size === present) {
    const wanted = options.sha256;
    if (wanted === undefined || wanted === known.sha256) {
      options.onProgress({ fileBytes: present, fileSize: present });
      return { size: present, sha256: known.sha256, vouched: wanted !== undefined || known.vouched };
    }
  }
  // Without a validator only a hash that is known beforehand shows that the rest belongs to what is here.
  const resumable = known !== undefined && (known.validator !== undefined || options.sha256 !== undefined);
  const resuming = resumable && known.sha256 === undefined && present <= (known.size ?? present);
  // With every byte here, the last one is asked for again: the answer says whether the file is still the same.
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
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  } catch (cause) {
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

interface Start {
  readonly response: Response;
  readonly at: number;
  readonly size?: number;
  readonly expected?: string;
  readonly state: FileState;
}

/** Where the response's body goes, from its headers; a file that changed or a server without ranges starts over. */
async function accept(
  options: FetchFileOptions,
  file: StoredFile,
  response: Response,
  asked: { readonly from: number; readonly state: FileState | undefined },
): Promise<Start> {
  const { name, store, limit } = options;
  const validator = validatorOf(response.headers);
  let at = 0;
  let size = contentLength(response.headers);
  if (response.status !== 200) {
    const range = contentRange(response.headers);
    const same = asked.state?.validator === undefined || asked.state.validator === validator;
    const fits = range?.first === asked.from && (asked.state?.size ?? range.size) === range.size;
    if (response.status === 416 || !same || !fits || asked.from === 0) {
      await response.body?.cancel();
      await discard(store, name);
      await file.truncate(0);
      throw new InterruptedError(`${options.url.href} changed while it was fetched; fetch it again`);
    }
    at = asked.from;
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
    vouched: expected !== undefined,
    ...(size === undefined ? {} : { size }),
    ...(validator === undefined ? {} : { validator }),
  };
  await writeState(store, name, state);
  return {
    response,
    at,
    state,
    ...(size === undefined ? {} : { size }),
    ...(expected === undefined ? {} : { expected }),
  };
}

/** Writes the body, then checks length and hash. */
async function receive(options: FetchFileOptions, file: StoredFile, start: Start): Promise<FetchedFile> {
  const { name, store, limit, signal } = options;
  const { response, size, expected } = start;
  const hash = sha256Hash.create();
  for (let at = 0; at < start.at; at += HASH_PIECE) {
    signal?.throwIfAborted();
    hash.update(await file.read(at, Math.min(HASH_PIECE, start.at - at)));
  }
  let at = start.at;
  const report = () =>
    options.onProgress({ fileBytes: at, ...(size === undefined ? {} : { fileSize: size }) });
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
        await discard(store, name);
        await file.truncate(0);
        throw new ModelLoadError(`${name} is longer than ${size ?? limit} bytes; use another address`);
      }
      await file.write(at, value);
      hash.update(value);
      at += value.length;
      report();
    }
  } finally {
    // Not waited for: of an aborted body it may never settle.
    body?.cancel().catch(() => undefined);
  }
  if (size !== undefined && at < size) {
    throw new InterruptedError(`${name} ended at byte ${at} of ${size}; try again to go on from there`);
  }
  const sha256 = bytesToHex(hash.digest());
  if (expected !== undefined && sha256 !== expected) {
    await discard(store, name);
    await file.truncate(0);
    throw new HashMismatchError(
      `${name} has SHA-256 ${sha256}, expected ${expected}; download it again or from elsewhere`,
    );
  }
  await file.flush();
  await writeState(store, name, { ...start.state, size: at, sha256 });
  return { size: at, sha256, vouched: start.state.vouched };
}

/** `work`, or the signal's reason as soon as it aborts: an aborted body's read does not always settle. */
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

async function discard(store: FileStore, name: string): Promise<void> {
  await store.remove(`${name}.state`);
}

/** A strong entity tag, or the date; what If-Range takes. None for a body that was compressed on the way. */
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
  // The length of a compressed body says nothing about the file's.
  return text !== null && !isEncoded(headers) && /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
}

function contentRange(headers: Headers): { readonly first: number; readonly size: number } | undefined {
  const match = /^bytes ([0-9]{1,15})-([0-9]{1,15})\/([0-9]{1,15})$/.exec(headers.get('content-range') ?? '');
  const [, first, last, size] = match ?? [];
  if (first === undefined || Number(last) !== Number(size) - 1) return undefined;
  return { first: Number(first), size: Number(size) };
}
