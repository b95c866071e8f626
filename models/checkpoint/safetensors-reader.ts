/** Safetensors files too large to hold: the header is read first, then tensors one at a time, in pieces. */
import {
  headerLength,
  PREFIX_BYTES,
  parseHeader,
  type SafetensorsHeader,
  type SafetensorsLimits,
} from './safetensors.ts';

/** Random access to a file's bytes, wherever it lies. */
export interface ByteReader {
  readonly size: number;
  /** Exactly `length` bytes from `offset`, in a buffer of their own. Rejects when they cannot be had. */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * Reads and checks the header of a safetensors file; no tensor data. Throws SafetensorsError for anything the format does not
 * allow.
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
