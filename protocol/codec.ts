import { CID } from 'multiformats/cid';
import type { Hex } from './hex.ts';
import { fromHex, toHex } from './hex.ts';

/**
 * A value that does not fit its codec: its form is wrong, or a size or count is above the protocol's limit.
 */
export class CodecError extends Error {
  override readonly name = 'CodecError';
  readonly kind: 'malformed' | 'oversized';
  /** Where in the value, such as `tasks.dataSets[0].id`; empty for the whole. */
  readonly path: string;
  readonly expected: string;
  constructor(kind: 'malformed' | 'oversized', path: string, expected: string) {
    super(`${path === '' ? 'message' : path}: expected ${expected}.`);
    this.kind = kind;
    this.path = path;
    this.expected = expected;
  }
}

/**
 * Converts between a value of the program and a value of the DAG-CBOR data model. Both directions check
 * everything.
 */
export interface Codec<T> {
  /** The value for DAG-CBOR. Throws CodecError, naming `path`, for a value out of bounds. */
  encode(value: T, path: string): unknown;
  /** The checked value. Throws CodecError, naming `path`, for anything else. */
  decode(value: unknown, path: string): T;
}

const malformed = (path: string, expected: string): CodecError => new CodecError('malformed', path, expected);
const oversized = (path: string, expected: string): CodecError => new CodecError('oversized', path, expected);

/** A codec whose program value and wire value are the same. `check` throws CodecError for any other value. */
function same<T>(check: (value: unknown, path: string) => T): Codec<T> {
  return { encode: check, decode: check };
}

/** An integer from 0 to `max`, which is at most 2^53 - 1. */
export function uint(max: number): Codec<number> {
  return same((value, path) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || Object.is(value, -0)) {
      throw malformed(path, 'a whole number');
    }
    if (value > max) throw oversized(path, `at most ${max}`);
    return value;
  });
}

export const flag: Codec<boolean> = same((value, path) => {
  if (typeof value !== 'boolean') throw malformed(path, 'true or false');
  return value;
});

/** Well-formed text of at most `max` UTF-8 bytes. */
export function text(max: number): Codec<string> {
  return same((value, path) => {
    if (typeof value !== 'string') throw malformed(path, 'text');
    if (value.length > max || new TextEncoder().encode(value).length > max)
      throw oversized(path, `at most ${max} bytes`);
    if (!value.isWellFormed()) throw malformed(path, 'well-formed text');
    return value;
  });
}

/** One of these words. */
export function oneOf<const T extends string>(...words: readonly T[]): Codec<T> {
  return same((value, path) => {
    const word = words.find((candidate) => candidate === value);
    if (word === undefined) throw malformed(path, `one of ${words.join(', ')}`);
    return word;
  });
}

/** A byte string of `min` to `max` bytes. */
export function blob(min: number, max = min): Codec<Uint8Array> {
  return same((value, path) => {
    if (!(value instanceof Uint8Array)) throw malformed(path, 'bytes');
    if (value.length > max) throw oversized(path, `at most ${max} bytes`);
    if (value.length < min) throw malformed(path, `at least ${min} bytes`);
    return value;
  });
}

/** `min` to `max` bytes on the wire, 0x-prefixed lower-case hexadecimal in the program. */
export function hex(min: number, max = min): Codec<Hex> {
  const bytes = blob(min, max);
  return {
    encode(value, path) {
      if (typeof value !== 'string' || !/^0x([0-9a-f]{2})*$/.test(value)) {
        throw malformed(path, 'lower-case 0x-prefixed hexadecimal');
      }
      return bytes.encode(fromHex(value), path);
    },
    decode: (value, path) => toHex(bytes.decode(value, path)),
  };
}

/** A 20-byte EVM address. */
export const address = hex(20);

/**
 * A link (tag 42) to a CIDv1 with sha2-256. Base32 text in the program. `code` is 0x71 for dag-cbor, 0x55 for
 * raw.
 */
export function link(code: number): Codec<string> {
  const check = (cid: CID, path: string): CID => {
    if (cid.version !== 1 || cid.code !== code || cid.multihash.code !== 0x12 || cid.multihash.size !== 32) {
      throw malformed(path, `a CIDv1 of codec 0x${code.toString(16)} with sha2-256`);
    }
    return cid;
  };
  return {
    encode(value, path) {
      try {
        return check(CID.parse(value), path);
      } catch {
        throw malformed(path, 'a CID');
      }
    },
    decode(value, path) {
      const cid = CID.asCID(value);
      if (cid === null) throw malformed(path, 'a link');
      return check(cid, path).toString();
    },
  };
}

/**
 * 0 to 1 in the program. A whole number of millionths on the wire, because DAG-CBOR floats have several
 * readings.
 */
export const fraction: Codec<number> = {
  encode(value, path) {
    if (typeof value !== 'number' || !(value >= 0 && value <= 1))
      throw malformed(path, 'a number from 0 to 1');
    return Math.round(value * 1e6);
  },
  decode: (value, path) => uint(1_000_000).decode(value, path) / 1e6,
};

/** A value or null. */
export function nullable<T>(codec: Codec<T>): Codec<T | null> {
  return {
    encode: (value, path) => (value === null ? null : codec.encode(value, path)),
    decode: (value, path) => (value === null ? null : codec.decode(value, path)),
  };
}

/** A list of at most `max` entries. */
export function list<T>(codec: Codec<T>, max: number): Codec<readonly T[]> {
  const check = (value: unknown, path: string): readonly unknown[] => {
    if (!Array.isArray(value)) throw malformed(path, 'a list');
    if (value.length > max) throw oversized(path, `at most ${max} entries`);
    return value;
  };
  return {
    encode: (value, path) => check(value, path).map((item, i) => codec.encode(item as T, `${path}[${i}]`)),
    decode: (value, path) => check(value, path).map((item, i) => codec.decode(item, `${path}[${i}]`)),
  };
}

type Fields = Readonly<Record<string, Codec<never>>>;
/** The program value of a codec. */
export type ValueOf<C> = C extends Codec<infer T> ? T : never;
export type RecordOf<F> = { readonly [K in keyof F]: ValueOf<F[K]> };

/** A map with exactly these keys. */
export function record<const F>(
  fields: F & { readonly [K in keyof F]: Codec<ValueOf<F[K]>> },
): Codec<RecordOf<F>> {
  const codecs = Object.entries(fields as unknown as Fields) as [string, Codec<unknown>][];
  const check = (value: unknown, path: string): Readonly<Record<string, unknown>> => {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) {
      throw malformed(path, 'a map');
    }
    const keys = Object.keys(value);
    if (keys.length !== codecs.length || !codecs.every(([name]) => Object.hasOwn(value, name))) {
      throw malformed(path, `exactly the keys ${codecs.map(([name]) => name).join(', ')}`);
    }
    return value as Readonly<Record<string, unknown>>;
  };
  const map = (value: unknown, path: string, side: 'encode' | 'decode'): RecordOf<F> => {
    const checked = check(value, path);
    const out: Record<string, unknown> = {};
    for (const [name, codec] of codecs) {
      out[name] = codec[side](checked[name], path === '' ? name : `${path}.${name}`);
    }
    return out as RecordOf<F>;
  };
  return {
    encode: (value, path) => map(value, path, 'encode'),
    decode: (value, path) => map(value, path, 'decode'),
  };
}

/**
 * One of several maps, told apart by the text under `kind`, which stands in each of them as `oneOf` of one
 * word.
 */
export function variant<const V>(
  variants: V & { readonly [K in keyof V]: Codec<ValueOf<V[K]>> },
): Codec<ValueOf<V[keyof V]>> {
  const codecs = new Map(
    Object.entries(variants as unknown as Readonly<Record<string, Codec<ValueOf<V[keyof V]>>>>),
  );
  const find = (value: unknown, path: string): Codec<ValueOf<V[keyof V]>> => {
    const kind = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined;
    const found = typeof kind === 'string' ? codecs.get(kind) : undefined;
    if (found !== undefined) return found;
    throw malformed(path === '' ? 'kind' : `${path}.kind`, `one of ${[...codecs.keys()].join(', ')}`);
  };
  return {
    encode: (value, path) => find(value, path).encode(value, path),
    decode: (value, path) => find(value, path).decode(value, path),
  };
}

/** Unsigned 32-bit integers, packed as little-endian bytes. */
export function uint32List(max: number): Codec<readonly number[]> {
  const bytes = blob(0, 4 * max);
  return {
    encode(value, path) {
      const view = new DataView(new ArrayBuffer(4 * value.length));
      value.forEach((item, i) => {
        view.setUint32(4 * i, uint(0xffff_ffff).encode(item, `${path}[${i}]`) as number, true);
      });
      return bytes.encode(new Uint8Array(view.buffer), path);
    },
    decode(value, path) {
      const view = viewOf(bytes.decode(value, path), path);
      return Array.from({ length: view.byteLength / 4 }, (_, i) => view.getUint32(4 * i, true));
    },
  };
}

/** Canonical f32 (docs/repops.md: finite, never subnormal, never -0), packed as little-endian bytes. */
export function float32List(max: number): Codec<readonly number[]> {
  const bytes = blob(0, 4 * max);
  const check = (bits: number, path: string): void => {
    const exponent = (bits >>> 23) & 0xff;
    if (exponent === 255 || (exponent < 2 && bits !== 0)) throw malformed(path, 'canonical f32');
  };
  return {
    encode(value, path) {
      const view = new DataView(new ArrayBuffer(4 * value.length));
      value.forEach((item, i) => {
        if (typeof item !== 'number' || !Object.is(Math.fround(item), item))
          throw malformed(`${path}[${i}]`, 'an f32');
        view.setFloat32(4 * i, item, true);
        check(view.getUint32(4 * i, true), `${path}[${i}]`);
      });
      return bytes.encode(new Uint8Array(view.buffer), path);
    },
    decode(value, path) {
      const view = viewOf(bytes.decode(value, path), path);
      return Array.from({ length: view.byteLength / 4 }, (_, i) => {
        check(view.getUint32(4 * i, true), `${path}[${i}]`);
        return view.getFloat32(4 * i, true);
      });
    },
  };
}

function viewOf(bytes: Uint8Array, path: string): DataView {
  if (bytes.length % 4 !== 0) throw malformed(path, 'a multiple of 4 bytes');
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
