import { concatBytes } from '@noble/hashes/utils.js';
import { CID } from 'multiformats/cid';
import { ContentError } from './content-error.ts';
import { CHUNK, MAX_CHUNKS, MAX_OBJECT, parseCid } from './manifest.ts';

export const CONTENT_PROTOCOL = '/starling/content/1';

/** Bytes of a request: kind, index, CID. */
const REQUEST_LENGTH = 41;
/** Bytes of the largest response. */
export const MAX_RESPONSE = 5 + Math.max(MAX_OBJECT, CHUNK, 8 + 32 * MAX_CHUNKS);

const KINDS = ['manifest', 'chunk', 'object'] as const;
const STATUSES = ['found', 'absent', 'busy'] as const;

export interface Request {
  readonly kind: (typeof KINDS)[number];
  /** Index of the chunk. 0 for the other kinds. */
  readonly index: number;
  readonly cid: string;
}

export interface Response {
  readonly status: (typeof STATUSES)[number];
  /** The request's index. */
  readonly index: number;
  readonly bytes: Uint8Array;
}

/** u8 kind, u32 index big-endian, 36 bytes of CID. */
export function encodeRequest({ kind, index, cid }: Request): Uint8Array {
  const head = new Uint8Array(5);
  head[0] = KINDS.indexOf(kind);
  new DataView(head.buffer).setUint32(1, index);
  return concatBytes(head, parseCid(cid).bytes);
}

/** Throws ContentError when the bytes are no request. */
export function decodeRequest(bytes: Uint8Array): Request {
  const kind = KINDS[bytes[0] ?? 255];
  if (bytes.length !== REQUEST_LENGTH || kind === undefined) throw new ContentError('Not a content request.');
  const index = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
  if (index >= MAX_CHUNKS) throw new ContentError('No file has so many chunks.');
  let cid: string;
  try {
    cid = CID.decode(bytes.subarray(5)).toString();
  } catch {
    throw new ContentError('Not a content request.');
  }
  if ((parseCid(cid).kind === 'object') !== (kind === 'object'))
    throw new ContentError('The CID is of another kind.');
  return { kind, index, cid };
}

/** u8 status, u32 index big-endian, then the bytes found. */
export function encodeResponse({ status, index, bytes }: Response): Uint8Array {
  const head = new Uint8Array(5);
  head[0] = STATUSES.indexOf(status);
  new DataView(head.buffer).setUint32(1, index);
  return concatBytes(head, bytes);
}

/** Throws ContentError when the bytes are no response. */
export function decodeResponse(bytes: Uint8Array): Response {
  const status = STATUSES[bytes[0] ?? 255];
  if (bytes.length < 5 || bytes.length > MAX_RESPONSE || status === undefined) {
    throw new ContentError('Not a content response.');
  }
  return { status, index: new DataView(bytes.buffer, bytes.byteOffset).getUint32(1), bytes: bytes.slice(5) };
}
