import * as dagCbor from '@ipld/dag-cbor';
import { equalBytes } from './bytes.ts';
import { type Codec, CodecError } from './codec.ts';

/** Canonical DAG-CBOR of a value. Throws CodecError when the value breaks a limit. */
export function encodeCanonical<T>(codec: Codec<T>, value: T): Uint8Array {
  return dagCbor.encode(codec.encode(value, ''));
}

/**
 * Decodes at most `maxBytes` bytes. Rejects any bytes but the one canonical encoding of the value: other
 * integer widths, key orders or tags, and trailing bytes. Throws CodecError and nothing else.
 */
export function decodeCanonical<T>(codec: Codec<T>, bytes: Uint8Array, maxBytes: number): T {
  if (bytes.length > maxBytes) throw new CodecError('oversized', '', `at most ${maxBytes} bytes`);
  let value: T;
  let again: Uint8Array;
  try {
    value = codec.decode(dagCbor.decode(bytes), '');
    again = encodeCanonical(codec, value);
  } catch (error) {
    if (error instanceof CodecError) throw error;
    throw new CodecError('malformed', '', 'DAG-CBOR');
  }
  if (!equalBytes(again, bytes)) throw new CodecError('malformed', '', 'the canonical encoding');
  return value;
}
