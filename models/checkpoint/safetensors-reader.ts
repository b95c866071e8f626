/**
 * Reads safetensors files that are too large for memory: first the header, then one tensor at a time, in
 * pieces.
 */
import {
  headerLength,
  PREFIX_BYTES,
  parseHeader,
  type SafetensorsHeader,
  type SafetensorsLimits,
} from './safetensors.ts';

/** Random access to the bytes of a file in any place. */
export interface ByteReader {
  readonly size: number;
  /** Exactly `length` bytes from `offset`, in their own buffer. Rejects when they cannot be read. */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * Reads and checks the header of a safetensors file without its tensor data. Throws SafetensorsError for
 * anything that the format does not allow.
 */
export async function readSafetensorsHeader(
  file: ByteReader,
  limits: SafetensorsLimits = {},
  signal?: AbortSignal,
): Promise<SafetensorsHeader> {
  const prefix = await file.read(0, Math.min(PREFIX_BYTES, file.size), signal);
  const length = headerLength(prefix, file.size, limits);
  return parseHeader(await file.read(PREFIX_BYTES, length, signal), file.size, limits);
}

/** The bytes from `begin` to `end` in pieces of at most `pieceBytes`, in order. */
export async function* readPieces(
  file: ByteReader,
  range: { readonly begin: number; readonly end: number },
  pieceBytes: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = range.begin; at < range.end; at += pieceBytes) {
    signal?.throwIfAborted();
    yield await file.read(at, Math.min(pieceBytes, range.end - at), signal);
  }
}
