/**
 * The bytes of a swarm's specification: canonical DAG-CBOR, named by a CIDv1 with sha2-256. docs/swarms.md
 * describes each field; docs/vectors/swarm-spec.json has examples and bytes that a reader refuses.
 */

import * as dagCbor from '@ipld/dag-cbor';
import { CID } from 'multiformats/cid';
import { create } from 'multiformats/hashes/digest';
import { decodeCanonical, encodeCanonical } from './canonical.ts';
import {
  type Codec,
  CodecError,
  flag,
  hex,
  link,
  list,
  oneOf,
  record,
  text,
  uint,
  variant,
} from './codec.ts';
import { MOST_FILE_BYTES, MOST_WHOLE_BYTES, RAW_CODE } from './file-manifest.ts';
import type { Hex } from './hex.ts';
import { toHex } from './hex.ts';
import { sha256Of } from './sha256-of.ts';
import { MOST_LAYER_BLOCKS } from './swarm-blocks.ts';
import type { BaseModel, BlockSettings, SourceFile, SwarmSpec, TaskSelection } from './swarm-spec.ts';

/** Most bytes of a specification, as `MAX_BYTES` of contracts/src/Swarms.sol. */
export const MAX_SPEC_BYTES = 16_384;

/** What is wrong with a specification. The message names the field and the remedy. */
export class SwarmSpecError extends Error {
  override readonly name = 'SwarmSpecError';
  /**
   * `oversized`: a size or a count is above its limit. `malformed`: a value is wrong. `version`: a newer
   * program made it. `mismatch`: these are not the bytes that the CID names.
   */
  readonly kind: 'oversized' | 'malformed' | 'version' | 'mismatch';
  /** Such as `round.temperature`; empty for the whole. */
  readonly field: string;

  constructor(kind: SwarmSpecError['kind'], field: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
    this.field = field;
  }
}

/** A codec that checks more of the program's value, on both sides. `wrong` says what was expected. */
function checked<T>(codec: Codec<T>, wrong: (value: T, path: string) => CodecError | undefined): Codec<T> {
  const check = (value: T, path: string): void => {
    const error = wrong(value, path);
    if (error !== undefined) throw error;
  };
  return {
    encode(value, path) {
      const encoded = codec.encode(value, path);
      check(value, path);
      return encoded;
    },
    decode(value, path) {
      const decoded = codec.decode(value, path);
      check(decoded, path);
      return decoded;
    },
  };
}

const malformed = (path: string, expected: string): CodecError => new CodecError('malformed', path, expected);

function between(min: number, max: number): Codec<number> {
  return checked(uint(max), (value, path) => (value < min ? malformed(path, `at least ${min}`) : undefined));
}

/**
 * A decimal number in the program, a whole number of 1/`unit` on the wire, because DAG-CBOR floats have
 * several readings. A value between two of these is refused, so that nothing changes silently.
 */
function decimal(unit: number, min: number, max: number): Codec<number> {
  const whole = uint(max * unit);
  const check = (value: number, path: string): number => {
    if (value < min) throw malformed(path, `at least ${min}`);
    return value;
  };
  return {
    encode(value, path) {
      if (typeof value !== 'number' || !Number.isFinite(value)) throw malformed(path, 'a number');
      const units = Math.round(value * unit);
      if (value > max) throw new CodecError('oversized', path, `at most ${max}`);
      check(value, path);
      if (units / unit !== value) throw malformed(path, `a multiple of ${1 / unit}`);
      return whole.encode(units, path);
    },
    decode: (value, path) => check(whole.decode(value, path) / unit, path),
  };
}

/** Text that a pattern matches. */
function matching(max: number, pattern: RegExp, expected: string): Codec<string> {
  return checked(text(max), (value, path) => (pattern.test(value) ? undefined : malformed(path, expected)));
}

/** A list of at least `min` entries, of which no two have the same key. */
function distinct<T>(codec: Codec<T>, min: number, max: number, keyOf: (value: T) => unknown) {
  return checked(list(codec, max), (values, path) => {
    if (values.length < min) return malformed(path, `at least ${min} entries`);
    const keys = values.map(keyOf);
    const again = keys.findIndex((key, i) => keys.indexOf(key) !== i);
    return again < 0 ? undefined : malformed(`${path}[${again}]`, 'an entry that is not there before');
  });
}

/** As `hex` of fixed length. Upper case, as people write addresses, is taken too. */
function digits(bytes: number): Codec<Hex> {
  const lower = hex(bytes);
  return {
    encode: (value, path) =>
      lower.encode(typeof value === 'string' ? (value.toLowerCase() as Hex) : value, path),
    decode: lower.decode,
  };
}

/**
 * A map with one key that may be left out, by the codec with the key or by the one without it. A program may
 * write the key with undefined, and that is left out, too, so that a value has one encoding.
 */
function withOptional<T extends object, K extends keyof T & string>(
  key: K,
  withKey: Codec<T & Required<Pick<T, K>>>,
  without: Codec<Omit<T, K>>,
): Codec<T> {
  const hasKey = (value: T): value is T & Required<Pick<T, K>> => isMap(value) && value[key] !== undefined;
  return {
    encode: (value, at) =>
      hasKey(value) ? withKey.encode(value, at) : without.encode(leaveOut(value, key), at),
    // The key is optional in T, so that a value without it is a T.
    decode: (value, at) =>
      isMap(value) && key in value ? withKey.decode(value, at) : (without.decode(value, at) as T),
  };
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** No control characters and no line or paragraph separators, which would break a line in two. */
const LINE = /^[^\p{Cc}\u2028\u2029]+$/u;
const line = (max: number): Codec<string> => matching(max, LINE, 'one line of text, not empty');
const name = matching(64, /^[a-z0-9][a-z0-9._-]*$/, 'a-z, 0-9 and ._- only');

/** A path below a folder. It cannot lead out of it. */
const path = checked(line(200), (value, at) =>
  value.includes('\\') || value.split('/').some((part) => part === '' || part === '.' || part === '..')
    ? malformed(at, 'a path below the folder, with slashes')
    : undefined,
);

const url = checked(line(400), (value, at) => {
  const parsed = URL.canParse(value) ? new URL(value) : undefined;
  const local = parsed?.protocol === 'http:' && ['127.0.0.1', 'localhost'].includes(parsed.hostname);
  const usable = parsed !== undefined && (parsed.protocol === 'https:' || local);
  const bare = parsed?.username === '' && parsed.password === '';
  return usable && bare ? undefined : malformed(at, 'an https address without a password');
});

const fileFields = {
  path,
  size: between(1, 2 ** 36),
  sha256: digits(32),
  urls: distinct(url, 0, 8, (each) => each),
};
const fileInChunks = checked(record({ ...fileFields, manifest: link(RAW_CODE) }), ({ size }, at) => {
  if (size > MOST_WHOLE_BYTES && size <= MOST_FILE_BYTES) return undefined;
  const why = size > MOST_FILE_BYTES ? 'more than 4 GiB' : 'at most 1 MiB, which travels by its SHA-256';
  return malformed(`${at}.manifest`, `no manifest of a file of ${why}`);
});
/** A file with the key `manifest`, or without it. */
const file = withOptional<SourceFile, 'manifest'>('manifest', fileInChunks, record(fileFields));

const baseFields = {
  kind: oneOf('files'),
  name: line(96),
  root: digits(32),
  files: distinct(file, 1, 64, (each) => each.path),
};
/** A base with the key `frozenRoot`, or without it. */
const filesBase = withOptional<Extract<BaseModel, { kind: 'files' }>, 'frozenRoot'>(
  'frozenRoot',
  record({ ...baseFields, frozenRoot: digits(32) }),
  record(baseFields),
);

const base = variant({
  builtin: record({ kind: oneOf('builtin'), name, root: digits(32) }),
  files: filesBase,
});

const trained = variant({
  full: record({ kind: oneOf('full') }),
  adapters: record({
    kind: oneOf('adapters'),
    rank: between(1, 256),
    alpha: decimal(1e6, 1e-6, 1024),
    targets: distinct(matching(64, /^[A-Za-z0-9_]+$/, 'a projection such as q_proj'), 1, 16, (each) => each),
  }),
});

const generator = record({
  id: name,
  version: between(1, 65_535),
  difficulties: distinct(uint(255), 1, 16, (each) => each),
});

const checker = variant({
  exact: record({ kind: oneOf('exact'), ignoreCase: flag }),
  number: record({ kind: oneOf('number') }),
  choice: record({ kind: oneOf('choice'), choices: distinct(line(120), 2, 32, (each) => each) }),
  set: record({
    kind: oneOf('set'),
    separator: checked(text(8), (value, at) => (value === '' ? malformed(at, 'a separator') : undefined)),
  }),
  pattern: record({ kind: oneOf('pattern') }),
  json: record({ kind: oneOf('json') }),
});

const dataSet = record({
  id: name,
  file: checked(file, (value, at) =>
    value.size > 2 ** 28 ? new CodecError('oversized', `${at}.size`, `at most ${2 ** 28} bytes`) : undefined,
  ),
  fields: record({ prompt: line(64), answer: line(64) }),
  heldOutOneIn: between(2, 1000),
  checker,
});

const tasks = checked(
  record({
    generators: distinct(generator, 0, 64, (each) => each.id),
    dataSets: distinct(dataSet, 0, 16, (each) => each.id),
  }),
  ({ generators, dataSets }, at) =>
    generators.length + dataSets.length === 0 ? malformed(at, 'at least one task') : undefined,
);

const round = checked(
  record({
    itemsPerRound: between(1, 256),
    itemsAnswered: between(1, 256),
    samplesPerItem: between(1, 64),
    temperature: decimal(1e6, 0.01, 4),
    answerTokens: between(1, 4096),
    critiqueTokens: between(1, 4096),
    learningRate: decimal(1e9, 1e-9, 1),
    warmupSteps: uint(10_000),
    stepsPerRound: between(1, 64),
    weightDecay: decimal(1e6, 0, 1),
    heldOutItems: between(1, 1024),
  }),
  ({ itemsAnswered, itemsPerRound }, at) =>
    itemsAnswered > itemsPerRound
      ? malformed(`${at}.itemsAnswered`, `at most itemsPerRound, ${itemsPerRound}`)
      : undefined,
);

const seconds = between(1, 86_400);

const version: Codec<1> = {
  encode: (value, at) => version.decode(value, at),
  decode(value, at) {
    if (value !== 1) throw malformed(at, '1');
    return value;
  },
};

/** Tokens of a microbatch that a claim about a run in blocks may have ([B-14] of docs/blocks.md). */
const MOST_POSITIONS = 4096;

const withoutParts = {
  layersPerBlock: between(1, 1024),
  skipped: uint(MOST_LAYER_BLOCKS - 1),
  fullEvery: uint(1000),
  microbatches: between(1, 64),
  rows: between(1, 256),
  length: between(2, MOST_POSITIONS),
  boundary: oneOf('f32', 'bf16', 'int8'),
};

function blocksFault({ skipped, fullEvery, rows, length }: BlockSettings, at: string) {
  if (skipped === 0 && fullEvery !== 0)
    return malformed(`${at}.fullEvery`, '0 where no block is skipped, since every step is full');
  const most = Math.floor(MOST_POSITIONS / length);
  return rows > most ? malformed(`${at}.rows`, `at most ${most} rows of ${length} tokens`) : undefined;
}

const wholeTables = checked(record(withoutParts), blocksFault);
const tablesInParts = checked(record({ ...withoutParts, vocabularyParts: between(2, 16) }), blocksFault);

/** Blocks with whole tables have no such key. */
const blocks = withOptional<BlockSettings, 'vocabularyParts'>('vocabularyParts', tablesInParts, wholeTables);

const withoutBlocks = {
  version,
  name: line(80),
  description: line(400),
  language: matching(35, /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/, 'a BCP 47 tag such as en'),
  startedBy: digits(20),
  startedAt: uint(2 ** 40),
  base,
  trained,
  models: oneOf('one', 'any'),
  tasks,
  round,
  schedule: record({ answerSeconds: seconds, critiqueSeconds: seconds, voteSeconds: seconds }),
};
const wholeModel = record(withoutBlocks);
const inBlocks = checked(record({ ...withoutBlocks, blocks }), ({ models, trained: how, blocks: cut }) => {
  if (models === 'any') return malformed('blocks', 'nothing where members bring models of their own');
  return cut.vocabularyParts !== undefined && how.kind === 'full'
    ? malformed('blocks.vocabularyParts', 'nothing where all weights are trained')
    : undefined;
});

/** A swarm without blocks has no such key. */
const swarmSpec = withOptional<SwarmSpec, 'blocks'>('blocks', inBlocks, wholeModel);

/** The value without an optional key whose value is undefined, which a program may have written. */
function leaveOut<T, K extends keyof T & string>(value: T, key: K): Omit<T, K> {
  if (!isMap(value) || !Object.hasOwn(value, key)) return value;
  const { [key]: _, ...rest } = value;
  return rest;
}

/** A specification with its bytes and what names them. */
export interface EncodedSwarmSpec {
  readonly bytes: Uint8Array;
  /** CIDv1 of dag-cbor with sha2-256. */
  readonly cid: string;
  /** The digest in the CID, as the chain keeps it. */
  readonly digest: Hex;
}

/** The canonical bytes of a specification. Throws SwarmSpecError. */
export function encodeSwarmSpec(spec: SwarmSpec): EncodedSwarmSpec {
  const bytes = named(() => encodeCanonical(swarmSpec, spec));
  checkSize(bytes);
  return { bytes, cid: swarmSpecCid(bytes), digest: toHex(sha256Of(bytes)) };
}

/**
 * The specification in these bytes, which must be the canonical encoding and, where `digest` is given, have
 * it. Throws SwarmSpecError.
 */
export function decodeSwarmSpec(bytes: Uint8Array, digest?: Hex): SwarmSpec {
  checkSize(bytes);
  if (digest !== undefined && toHex(sha256Of(bytes)) !== digest.toLowerCase()) {
    throw new SwarmSpecError(
      'mismatch',
      '',
      'These are not the bytes that the swarm’s CID names. Ask another member or another node for them.',
    );
  }
  checkVersion(() => dagCbor.decode(bytes));
  return named(() => decodeCanonical(swarmSpec, bytes, MAX_SPEC_BYTES));
}

/** The specification that a person wrote as JSON. Throws SwarmSpecError. */
export function parseSwarmSpec(json: string): SwarmSpec {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    const sentence = 'The specification is not JSON. Correct the file, then try again.';
    throw new SwarmSpecError('malformed', '', sentence, { cause });
  }
  checkVersion(() => value);
  // The codec checks every field, whatever the text held.
  return decodeSwarmSpec(encodeSwarmSpec(value as SwarmSpec).bytes);
}

/**
 * The choice of tasks in a value of unknown origin, such as a checkpoint’s settings. Extra fields are
 * refused. Throws SwarmSpecError.
 */
export function parseTaskSelection(value: unknown): TaskSelection {
  return named(() => tasks.decode(tasks.encode(value as TaskSelection, 'tasks'), 'tasks'));
}

/** The CIDv1 of dag-cbor with sha2-256 of a specification's bytes. */
function swarmSpecCid(bytes: Uint8Array): string {
  return CID.createV1(dagCbor.code, create(0x12, sha256Of(bytes))).toString();
}

function checkSize(bytes: Uint8Array): void {
  if (bytes.length <= MAX_SPEC_BYTES) return;
  throw new SwarmSpecError(
    'oversized',
    '',
    `The specification has ${bytes.length} bytes, and at most ${MAX_SPEC_BYTES} are taken. Shorten its lists.`,
  );
}

/** Says of a specification of a later version that it is one, before anything else is wrong with it. */
function checkVersion(read: () => unknown): void {
  let value: unknown;
  try {
    value = read();
  } catch {
    // Whoever decodes next says what is wrong.
    return;
  }
  const found = typeof value === 'object' && value !== null && 'version' in value ? value.version : undefined;
  if (typeof found !== 'number' || !Number.isInteger(found) || found <= 1) return;
  throw new SwarmSpecError(
    'version',
    'version',
    `The specification has version ${found}, and this program reads version 1. Update the program.`,
  );
}

/** Runs a codec. Its error becomes one that names the field and the remedy. */
function named<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof CodecError)) throw cause;
    const field = cause.path === '' ? '' : ` at ${cause.path}`;
    throw new SwarmSpecError(
      cause.kind,
      cause.path,
      `The specification is wrong${field}: expected ${cause.expected}. Correct that field, or take another swarm.`,
      { cause },
    );
  }
}
