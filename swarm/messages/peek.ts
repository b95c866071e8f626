import { CodecError } from '../../protocol/codec.ts';
import { toHex } from '../../protocol/hex.ts';
import { LIMITS } from './limits.ts';
import { type MessageType, messageTypeNames } from './message-types.ts';

/** What an envelope says of a message, read without its body. Nothing of it is verified. */
export interface MessageHeader {
  readonly networkId: string;
  readonly type: MessageType;
  readonly round: number;
  readonly seq: number;
  /** 33 bytes. They may be no point of the curve. */
  readonly from: Uint8Array;
  /** `from` as hexadecimal. */
  readonly key: string;
  /** 64 bytes. */
  readonly signature: Uint8Array;
  /** The two parts of the bytes around key and value of `sig`. The first lacks the byte of the map. */
  readonly signed: readonly [Uint8Array, Uint8Array];
}

/** The version of the wire protocol. One digit in CBOR, so below 24. */
export const VERSION = 2;

/** Major types of CBOR (RFC 8949, section 3.1) in the upper three bits of an item's first byte. */
const UINT = 0x00;
const TEXT = 0x60;
const MAP_OF_8 = 0xa8;
const BYTES_33 = [0x58, 33];
const BYTES_64 = [0x58, 64];
const KEY_BYTES = 33;
const SIGNATURE_BYTES = 64;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const wire = (text: string): readonly number[] => [
  TEXT + text.length,
  ...[...text].map((character) => character.charCodeAt(0)),
];
const V_RUN = [...wire('v'), VERSION, ...wire('run')];
const SEQ = wire('seq');
const SIG = [...wire('sig'), ...BYTES_64];
const BODY = wire('body');
const FROM = [...wire('from'), ...BYTES_33];
const TYPES = messageTypeNames.map((type) => ({ type, bytes: [...wire('type'), ...wire(type)] }));
const ROUND = wire('round');
/** Bytes after the first one of an unsigned integer. */
const UINT_WIDTHS = [0, 1, 2, 4, 8] as const;

/**
 * Reads the envelope of a message in constant time, whatever the length of its body. Canonical keys come in
 * the order v, run, seq, sig, body, from, type, round, so all but the body stands at the two ends. It agrees
 * with `decodeMessage` on all bytes that this one takes, and throws CodecError only for bytes that this one
 * refuses. It does not look at the body, at the curve or at the signature.
 */
export function peekMessage(bytes: Uint8Array): MessageHeader {
  if (bytes.length > LIMITS.message) throw new CodecError('oversized', '', `at most ${LIMITS.message} bytes`);
  if (bytes[0] !== MAP_OF_8 || !has(bytes, 1, V_RUN)) throw malformed();
  const run = readText(bytes, 1 + V_RUN.length);
  if (!has(bytes, run.end, SEQ)) throw malformed();
  const seq = readUint(bytes, run.end + SEQ.length);
  if (!has(bytes, seq.end, SIG)) throw malformed();
  const signatureAt = seq.end + SIG.length;
  const bodyAt = signatureAt + SIGNATURE_BYTES;
  if (!has(bytes, bodyAt, BODY)) throw malformed();
  const { type, round, fromAt } = readTail(bytes);
  // A body has at least one byte.
  if (fromAt - FROM.length <= bodyAt + BODY.length) throw malformed();
  if (seq.value > LIMITS.sequence) throw new CodecError('oversized', 'seq', `at most ${LIMITS.sequence}`);
  if (round > LIMITS.round) throw new CodecError('oversized', 'round', `at most ${LIMITS.round}`);
  const from = new Uint8Array(bytes.subarray(fromAt, fromAt + KEY_BYTES));
  return {
    networkId: run.value,
    type,
    round,
    seq: seq.value,
    from,
    key: toHex(from),
    signature: new Uint8Array(bytes.subarray(signatureAt, bodyAt)),
    signed: [bytes.subarray(1, seq.end), bytes.subarray(bodyAt)],
  };
}

/**
 * The end `from`, `type`, `round`, read backwards: the few widths of a round and words of a type are tried.
 */
function readTail(bytes: Uint8Array): { type: MessageType; round: number; fromAt: number } {
  for (const width of UINT_WIDTHS) {
    const roundAt = bytes.length - 1 - width;
    const keyAt = roundAt - ROUND.length;
    if (keyAt < 0 || !has(bytes, keyAt, ROUND) || widthAt(bytes, roundAt) !== width) continue;
    for (const { type, bytes: word } of TYPES) {
      const typeAt = keyAt - word.length;
      const fromAt = typeAt - KEY_BYTES;
      if (fromAt - FROM.length < 0 || !has(bytes, typeAt, word)) continue;
      if (has(bytes, fromAt - FROM.length, FROM))
        return { type, round: readUint(bytes, roundAt).value, fromAt };
    }
  }
  throw malformed();
}

function has(bytes: Uint8Array, at: number, expected: readonly number[]): boolean {
  return expected.every((byte, i) => bytes[at + i] === byte);
}

/** How many bytes follow the first one of the unsigned integer at `at`. Undefined when there is none. */
function widthAt(bytes: Uint8Array, at: number): number | undefined {
  const first = bytes[at];
  if (first === undefined || first > UINT + 27) return undefined;
  return first < UINT + 24 ? 0 : 2 ** (first - UINT - 24);
}

/** An integer above 2^53 comes out inexact, and is above every limit. */
function readUint(bytes: Uint8Array, at: number): { value: number; end: number } {
  const width = widthAt(bytes, at);
  if (width === undefined || at + 1 + width > bytes.length) throw malformed();
  if (width === 0) return { value: bytes[at] ?? 0, end: at + 1 };
  let value = 0;
  for (let i = 1; i <= width; i++) value = value * 256 + (bytes[at + i] ?? 0);
  // Shortest form only, so that one message has one encoding.
  if (value < 24 || (width > 1 && value < 256 ** (width / 2))) throw malformed();
  return { value, end: at + 1 + width };
}

function readText(bytes: Uint8Array, at: number): { value: string; end: number } {
  const first = bytes[at];
  if (first === undefined || first < TEXT || first > TEXT + 24) {
    throw first !== undefined && first > TEXT + 24 && first < TEXT + 28
      ? new CodecError('oversized', 'run', `at most ${LIMITS.networkId} bytes`)
      : malformed();
  }
  const short = first < TEXT + 24;
  const length = short ? first - TEXT : (bytes[at + 1] ?? 0);
  const start = at + (short ? 1 : 2);
  if ((!short && length < 24) || start + length > bytes.length) throw malformed();
  if (length > LIMITS.networkId)
    throw new CodecError('oversized', 'run', `at most ${LIMITS.networkId} bytes`);
  try {
    return { value: utf8.decode(bytes.subarray(start, start + length)), end: start + length };
  } catch {
    throw malformed();
  }
}

function malformed(): CodecError {
  return new CodecError('malformed', '', 'the canonical envelope of a message');
}
