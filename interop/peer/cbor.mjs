/**
 * Canonical DAG-CBOR (RFC 8949 with the rules of [P-34]), written from the document: definite lengths,
 * shortest integers, keys sorted by length and then bytewise, no duplicate keys, no floats.
 *
 * A map is a plain object, a byte string a Uint8Array, a link a Link.
 */
import { concat, equal, malformed, utf8 } from './bytes.mjs';

/** A CBOR tag 42 with the bytes of a CID. */
export class Link {
  /** @param {Uint8Array} cid Without the zero byte before it. */
  constructor(cid) {
    this.cid = cid;
  }
}

const MAJOR = { uint: 0, negative: 1, bytes: 2, text: 3, list: 4, map: 5, tag: 6, simple: 7 };
const CID_TAG = 42;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Deeper than any message. */
const MAX_DEPTH = 32;

/** The first bytes of an item: its major type and a number in the shortest form. */
function head(major, value) {
  const first = major << 5;
  if (value < 24) return Uint8Array.of(first | value);
  if (value < 0x100) return Uint8Array.of(first | 24, value);
  const bytes = Buffer.alloc(9);
  if (value < 0x1_0000) {
    bytes[0] = first | 25;
    bytes.writeUInt16BE(value, 1);
    return Uint8Array.from(bytes.subarray(0, 3));
  }
  if (value < 0x1_0000_0000) {
    bytes[0] = first | 26;
    bytes.writeUInt32BE(value, 1);
    return Uint8Array.from(bytes.subarray(0, 5));
  }
  bytes[0] = first | 27;
  bytes.writeBigUInt64BE(BigInt(value), 1);
  return Uint8Array.from(bytes);
}

/** Keys by length, then bytewise. */
function byKey([a], [b]) {
  const [left, right] = [utf8(a), utf8(b)];
  return left.length - right.length || Buffer.compare(left, right);
}

/** @param {unknown} value @returns {Uint8Array} */
export function encode(value) {
  if (value === null) return Uint8Array.of(0xf6);
  if (value === false) return Uint8Array.of(0xf4);
  if (value === true) return Uint8Array.of(0xf5);
  if (typeof value === 'string') {
    if (!value.isWellFormed()) malformed('', 'well-formed text');
    const bytes = utf8(value);
    return concat(head(MAJOR.text, bytes.length), bytes);
  }
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) malformed('', 'an integer');
    return value < 0 ? head(MAJOR.negative, -1 - value) : head(MAJOR.uint, value);
  }
  if (value instanceof Uint8Array) return concat(head(MAJOR.bytes, value.length), value);
  if (value instanceof Link)
    return concat(head(MAJOR.tag, CID_TAG), encode(concat(Uint8Array.of(0), value.cid)));
  if (Array.isArray(value)) return concat(head(MAJOR.list, value.length), ...value.map(encode));
  if (typeof value === 'object') {
    const entries = Object.entries(value).sort(byKey);
    return concat(
      head(MAJOR.map, entries.length),
      ...entries.flatMap(([key, inner]) => [encode(key), encode(inner)]),
    );
  }
  return malformed('', 'a value that CBOR has');
}

/** Reads one item from the front of `bytes`. */
class Reader {
  #bytes;
  #at = 0;

  constructor(bytes) {
    this.#bytes = bytes;
  }

  get left() {
    return this.#bytes.length - this.#at;
  }

  #take(count) {
    if (count > this.left) malformed('', 'as long as it says');
    this.#at += count;
    return this.#bytes.slice(this.#at - count, this.#at);
  }

  #number(info) {
    if (info < 24) return info;
    if (info > 27) malformed('', 'of definite length');
    const value = [...this.#take(2 ** (info - 24))].reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) malformed('', 'of integers up to 2^53 - 1');
    return Number(value);
  }

  item(depth = 0) {
    if (depth > MAX_DEPTH) malformed('', `at most ${MAX_DEPTH} deep`);
    const [first] = this.#take(1);
    const major = first >> 5;
    if (major === MAJOR.simple) {
      if (first === 0xf4) return false;
      if (first === 0xf5) return true;
      if (first === 0xf6) return null;
      malformed('', 'without floats and other simple values');
    }
    const number = this.#number(first & 31);
    switch (major) {
      case MAJOR.uint:
        return number;
      case MAJOR.negative:
        return -1 - number;
      case MAJOR.bytes:
        return this.#take(number);
      case MAJOR.text:
        return this.#text(number);
      case MAJOR.list: {
        if (number > this.left) malformed('', 'as long as it says');
        return Array.from({ length: number }, () => this.item(depth + 1));
      }
      case MAJOR.map:
        return this.#map(number, depth);
      default: {
        const bytes = this.item(depth + 1);
        if (number !== CID_TAG || !(bytes instanceof Uint8Array) || bytes[0] !== 0)
          malformed('', 'without tags other than links');
        return new Link(bytes.slice(1));
      }
    }
  }

  #text(length) {
    const bytes = this.#take(length);
    try {
      return decoder.decode(bytes);
    } catch {
      return malformed('', 'well-formed UTF-8');
    }
  }

  #map(length, depth) {
    const map = Object.create(null);
    for (let entry = 0; entry < length; entry++) {
      const key = this.item(depth + 1);
      if (typeof key !== 'string' || Object.hasOwn(map, key))
        malformed('', 'a map whose keys are different texts');
      map[key] = this.item(depth + 1);
    }
    return map;
  }
}

/** Decodes and encodes again: bytes that do not come out the same are refused. @param {Uint8Array} bytes */
export function decode(bytes) {
  const reader = new Reader(bytes);
  const value = reader.item();
  if (reader.left > 0 || !equal(encode(value), bytes)) malformed('', 'the canonical encoding');
  return value;
}
