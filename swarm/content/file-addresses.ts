/** Bytes of a file from the web addresses that a specification names for it. */
import { messageOf } from '../../protocol/message-of.ts';
import { readBytes } from '../../protocol/response-body.ts';
import type { SourceFile } from '../../protocol/swarm-spec.ts';
import { ContentError } from './content-error.ts';

/** Bytes of a file, from `begin` on, to `end` exclusive. */
export interface ByteRange {
  readonly begin: number;
  readonly end: number;
}

export interface AddressOptions {
  readonly fetcher: typeof fetch;
  readonly signal: AbortSignal;
}

/** How long a server may take to answer and to send a range, in ms. A range has at most some 16 MiB. */
const RANGE_MS = 5 * 60_000;

/**
 * A range of a file from the first of its addresses that gives it (RFC 9110, section 14). Nobody has compared
 * its hash yet. Throws ContentError that names what each address said, and the signal's reason.
 */
export async function rangeOfFile(
  { path, urls }: Pick<SourceFile, 'path' | 'urls'>,
  range: ByteRange,
  options: AddressOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const failures: string[] = [];
  for (const url of urls) {
    try {
      return await rangeAt(url, range, options);
    } catch (error) {
      options.signal.throwIfAborted();
      failures.push(`${url}: ${messageOf(error)}`);
    }
  }
  throw new ContentError(`No address gives ${path} (${failures.join('; ') || 'it has none'}).`);
}

async function rangeAt(
  url: string,
  { begin, end }: ByteRange,
  { fetcher, signal }: AddressOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(RANGE_MS)]);
  const response = await ask(fetcher, url, {
    headers: { range: `bytes=${begin}-${end - 1}` },
    signal: limit,
  });
  // A server that knows no ranges sends the whole file, of which this is the beginning.
  const isRange = response.status === 206;
  const isBeginning = response.status === 200 && begin === 0;
  const given = response.headers.get('content-range');
  if ((!isRange && !isBeginning) || (isRange && given?.startsWith(`bytes ${begin}-${end - 1}/`) !== true)) {
    await response.body?.cancel();
    throw new ContentError(`it answered ${response.status} and not with bytes ${begin} to ${end - 1}`);
  }
  if (isRange) {
    const bytes = await readBytes(response, { maxBytes: end - begin, signal: limit });
    if (bytes.length === end - begin) return bytes;
    throw new ContentError(`it sent ${bytes.length} of ${end - begin} bytes`);
  }
  const bytes = new Uint8Array(end);
  let at = 0;
  for await (const piece of piecesOf(response, limit)) {
    bytes.set(piece.subarray(0, end - at), at);
    at += Math.min(piece.length, end - at);
    if (at === end) return bytes;
  }
  throw new ContentError(`it sent ${at} of ${end} bytes`);
}

/**
 * All bytes of a file in order, from one address, in the pieces in which they come. Nobody has compared its
 * hash yet. Throws ContentError when it ends too early or does not end, and the signal's reason.
 */
export async function* wholeFileAt(
  url: string,
  size: number,
  { fetcher, signal }: AddressOptions,
): AsyncGenerator<Uint8Array> {
  const response = await ask(fetcher, url, { signal });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new ContentError(`it answered ${response.status}`);
  }
  let bytes = 0;
  for await (const piece of piecesOf(response, signal)) {
    bytes += piece.length;
    if (bytes > size) break;
    yield piece;
  }
  if (bytes !== size)
    throw new ContentError(`it has ${bytes > size ? 'more than' : 'only'} ${Math.min(bytes, size)} bytes`);
}

async function ask(fetcher: typeof fetch, url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetcher(url, { ...init, credentials: 'omit', referrerPolicy: 'no-referrer' });
  } catch (cause) {
    init.signal?.throwIfAborted();
    throw new ContentError('it cannot be reached, or lets no other page read it (CORS)', { cause });
  }
}

async function* piecesOf({ body }: Response, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader();
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await reader.read().catch((cause: unknown) => {
        signal.throwIfAborted();
        throw new ContentError('the connection broke', { cause });
      });
      if (done) return;
      yield value;
    }
  } finally {
    // Not awaited, because it may never settle.
    reader.cancel().catch(() => undefined);
  }
}
