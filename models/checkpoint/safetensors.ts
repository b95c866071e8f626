/**
 * Safetensors files (github.com/huggingface/safetensors): u64 LE header length, JSON header, tensor bytes.
 * Files are untrusted, so every size is checked before it is used.
 */
import { type HeaderValue, parseHeaderJson } from './header-json.ts';

const DTYPE_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
} as const;
export type SafetensorsDType = keyof typeof DTYPE_BYTES;

export interface StoredTensor {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** Little-endian bytes. After parsing, a view into the file at any alignment. */
  readonly data: Uint8Array;
}

export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The header's `__metadata__`. */
  readonly metadata: ReadonlyMap<string, string>;
}

export class SafetensorsError extends Error {
  override readonly name = 'SafetensorsError';
}

export interface SafetensorsLimits {
  /** Most bytes of the header. Defaults to 1 MiB; at most 100 MB, as in the format's own implementation. */
  readonly headerBytes?: number;
  /** Most tensors in the file. Defaults to 65,536. */
  readonly tensors?: number;
}

const DEFAULT_HEADER_LIMIT = 1 << 20;
const MAX_HEADER_LIMIT = 100_000_000;
const MAX_RANK = 8;
const METADATA = '__metadata__';

function fail(problem: string): never {
  throw new SafetensorsError(
    `Not a usable safetensors file: ${problem}. Fetch the file again or use another.`,
  );
}

function isDType(value: unknown): value is SafetensorsDType {
  return typeof value === 'string' && Object.hasOwn(DTYPE_BYTES, value);
}

/** The position of a tensor in its file. */
export interface TensorEntry {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** First byte, from the start of the file. */
  readonly begin: number;
  /** One past the last byte. */
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** The header's `__metadata__`. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** Number of bytes before the header's JSON. */
export const PREFIX_BYTES = 8;

/**
 * The length of the header's JSON, from the first 8 bytes of a file of `fileSize` bytes. Throws
 * SafetensorsError when it is over the limit or past the end.
 */
export function headerLength(
  prefix: Uint8Array,
  fileSize: number,
  limits: Pick<SafetensorsLimits, 'headerBytes'> = {},
): number {
  const headerLimit = Math.min(limits.headerBytes ?? DEFAULT_HEADER_LIMIT, MAX_HEADER_LIMIT);
  if (fileSize < PREFIX_BYTES || prefix.length < PREFIX_BYTES) {
    fail(`${fileSize} bytes are too few for a header`);
  }
  const declared = new DataView(prefix.buffer, prefix.byteOffset, PREFIX_BYTES).getBigUint64(0, true);
  if (declared > BigInt(headerLimit)) fail(`header of ${declared} bytes is over the limit of ${headerLimit}`);
  const headerBytes = Number(declared);
  if (PREFIX_BYTES + headerBytes > fileSize) fail('truncated inside the header');
  return headerBytes;
}

/**
 * Reads the header's JSON of a file of `fileSize` bytes. Throws SafetensorsError for anything that the format
 * does not allow.
 */
export function parseHeader(
  json: Uint8Array,
  fileSize: number,
  limits: Pick<SafetensorsLimits, 'tensors'> = {},
): SafetensorsHeader {
  if (json[0] !== 0x7b) fail('header must begin with "{"');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
  } catch {
    fail('header is not UTF-8');
  }
  const header = parseHeaderJson(text, fail);
  if (!(header instanceof Map)) fail('header must be an object');
  const entries = header as ReadonlyMap<string, HeaderValue>;
  if (entries.size > (limits.tensors ?? 65536) + 1) fail(`${entries.size} tensors are too many`);

  const start = PREFIX_BYTES + json.length;
  const dataLength = fileSize - start;
  const metadata = parseMetadata(entries.get(METADATA));
  const extents: { name: string; begin: number; end: number }[] = [];
  const tensors = new Map<string, TensorEntry>();
  for (const [name, value] of entries) {
    if (name === METADATA) continue;
    const { dtype, shape, begin, end } = parseTensor(name, value, dataLength);
    extents.push({ name, begin, end });
    tensors.set(name, { dtype, shape, begin: start + begin, end: start + end });
  }
  checkExtents(extents, dataLength);
  return { tensors, metadata };
}

/**
 * Parses a file without copying tensor data. Throws SafetensorsError for anything that the format does not
 * allow.
 */
export function parseSafetensors(file: Uint8Array, limits: SafetensorsLimits = {}): SafetensorsFile {
  const headerBytes = headerLength(file, file.length, limits);
  const json = file.subarray(PREFIX_BYTES, PREFIX_BYTES + headerBytes);
  const { tensors, metadata } = parseHeader(json, file.length, limits);
  return {
    tensors: new Map(
      [...tensors].map(([name, { dtype, shape, begin, end }]) => [
        name,
        { dtype, shape, data: file.subarray(begin, end) },
      ]),
    ),
    metadata,
  };
}

function parseMetadata(value: HeaderValue | undefined): ReadonlyMap<string, string> {
  if (value === undefined) return new Map();
  if (!(value instanceof Map)) fail('__metadata__ must be an object');
  const metadata = new Map<string, string>();
  for (const [key, text] of value as ReadonlyMap<string, HeaderValue>) {
    if (typeof text !== 'string') fail(`metadata ${JSON.stringify(key)} must be a string`);
    metadata.set(key, text);
  }
  return metadata;
}

function parseTensor(name: string, value: HeaderValue, available: number) {
  const where = `tensor ${JSON.stringify(name.slice(0, 100))}`;
  if (!(value instanceof Map)) fail(`${where} must be an object`);
  const fields = value as ReadonlyMap<string, HeaderValue>;
  for (const key of fields.keys()) {
    if (!['dtype', 'shape', 'data_offsets'].includes(key)) fail(`${where} has an unknown field`);
  }
  const dtype = fields.get('dtype');
  if (!isDType(dtype)) fail(`${where} has an unknown dtype`);
  const shape = fields.get('shape');
  if (!isIntegers(shape) || shape.length > MAX_RANK) fail(`${where} has a bad shape`);
  const offsets = fields.get('data_offsets');
  if (!isIntegers(offsets) || offsets.length !== 2) fail(`${where} has bad data_offsets`);
  const [begin = 0, end = 0] = offsets;
  if (begin > end || end > available) fail(`${where} lies outside the file; it may be truncated`);
  // BigInt, because the product of hostile sizes can leave the exact range of doubles.
  const bytes = shape.reduce((product, size) => product * BigInt(size), BigInt(DTYPE_BYTES[dtype]));
  if (bytes !== BigInt(end - begin)) fail(`${where} has ${end - begin} bytes, its shape makes ${bytes}`);
  return { dtype, shape, begin, end };
}

function isIntegers(value: HeaderValue | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'number');
}

/** Checks that tensors tile the data. An overlap gives one byte two meanings, and a hole hides bytes. */
function checkExtents(extents: { name: string; begin: number; end: number }[], length: number): void {
  extents.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const { name, begin, end } of extents) {
    const where = `tensor ${JSON.stringify(name.slice(0, 100))}`;
    if (begin < at) fail(`${where} overlaps another`);
    if (begin > at) fail(`a hole lies before ${where}`);
    at = end;
  }
  if (at !== length) fail(`${length - at} bytes follow the last tensor`);
}

/** Compares two well-formed strings by the bytes of their UTF-8, which is their code point order. */
export function compareNames(a: string, b: string): number {
  const [x, y] = [new TextEncoder().encode(a), new TextEncoder().encode(b)];
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const difference = x[i]! - y[i]!;
    if (difference !== 0) return difference;
  }
  return x.length - y.length;
}

/**
 * Serialises contents: tensors and metadata in byte order of their names, with the header padded with spaces
 * to 8 bytes. Equal contents give equal bytes.
 */
export function serializeSafetensors(contents: SafetensorsFile): Uint8Array {
  const parts: string[] = [];
  if (contents.metadata.size > 0) {
    const pairs = [...contents.metadata]
      .sort(([a], [b]) => compareNames(a, b))
      .map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
    parts.push(`"${METADATA}":{${pairs.join(',')}}`);
  }
  const tensors = [...contents.tensors].sort(([a], [b]) => compareNames(a, b));
  let at = 0;
  for (const [name, { dtype, shape, data }] of tensors) {
    const end = at + data.length;
    parts.push(
      `${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${at},${end}]}`,
    );
    at = end;
  }
  const json = new TextEncoder().encode(`{${parts.join(',')}}`);
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(8 + headerBytes + at);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.fill(0x20, 8, 8 + headerBytes);
  file.set(json, 8);
  let offset = 8 + headerBytes;
  for (const [, { data }] of tensors) {
    file.set(data, offset);
    offset += data.length;
  }
  return file;
}

/** An F32 tensor over the bytes of `values`. All supported platforms are little-endian, as the format is. */
export function float32Tensor(shape: readonly number[], values: Float32Array): StoredTensor {
  return {
    dtype: 'F32',
    shape,
    data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  };
}

/** The values of an F32, BF16 or F16 tensor as f32, copied. Throws SafetensorsError for other dtypes. */
export function toFloat32(tensor: StoredTensor, name: string): Float32Array {
  // A copy in its own buffer, since Node's Buffer overrides `slice` to share memory at any alignment.
  const bytes = new Uint8Array(tensor.data);
  switch (tensor.dtype) {
    case 'F32':
      return new Float32Array(bytes.buffer);
    case 'BF16': {
      const bits = Uint32Array.from(new Uint16Array(bytes.buffer), (half) => half << 16);
      return new Float32Array(bits.buffer);
    }
    case 'F16':
      return Float32Array.from(new Uint16Array(bytes.buffer), halfToNumber);
    default:
      fail(`tensor ${JSON.stringify(name)} is ${tensor.dtype}; it must be F32, BF16 or F16`);
  }
}

/** The value of an IEEE half-precision number's 16 bits. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}
