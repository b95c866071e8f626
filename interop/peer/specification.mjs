/** Specifications of swarms, as docs/swarms.md has them ([S-01] to [S-05], [S-12]). */

import { CID } from 'multiformats/cid';
import { malformed, oversized, toHex } from './bytes.mjs';
import { decode, Link } from './cbor.mjs';
import { address, also, bytes, flag, link, list, map, oneOf, RAW, text, uint } from './shapes.mjs';

const MOST_BYTES = 16_384;
const MIB = 1024 * 1024;
const MILLION = 1_000_000;

/** Text without control characters and line breaks, not empty. */
const line = (most) => text(most, /^[^\p{Cc}\u2028\u2029]+$/u);
const name = text(64, /^[a-z0-9][a-z0-9._-]*$/);
const bytes32 = bytes(32);
const url = also(line(400), (value, at) => {
  const { protocol, hostname, username, password } = URL.canParse(value) ? new URL(value) : {};
  const isLocal = protocol === 'http:' && ['127.0.0.1', 'localhost'].includes(hostname);
  if (!(protocol === 'https:' || isLocal) || username !== '' || password !== '') malformed(at, 'https');
});
const path = also(line(200), (value, at) => {
  const parts = value.split('/');
  if (value.includes('\\') || parts.some((part) => ['', '.', '..'].includes(part)))
    malformed(at, 'below a folder');
});

/** One of several maps, told apart by `kind`. `optional` has the keys of each that may be left out. */
const kinds =
  (shapes, optional = {}) =>
  (value, at) => {
    const shape = Object.hasOwn(shapes, value?.kind ?? '') ? shapes[value.kind] : undefined;
    if (shape === undefined) malformed(`${at}.kind`, `one of ${Object.keys(shapes).join(', ')}`);
    map({ kind: text(16), ...shape }, optional[value.kind])(value, at);
  };

/** No two entries have the same value. */
const different = (shape, keyOf) =>
  also(shape, (entries, at) => {
    if (new Set(entries.map(keyOf)).size < entries.length) malformed(at, 'of entries that differ');
  });

const file = also(
  map(
    { path, size: uint(64 * 1024 * MIB, 1), sha256: bytes32, urls: different(list(8, url), String) },
    { manifest: link(RAW) },
  ),
  ({ size, manifest }, at) => {
    if (manifest !== undefined && (size <= MIB || size > 4096 * MIB))
      malformed(`${at}.manifest`, 'that of a file of more than 1 MiB and at most 4 GiB');
  },
);

const checker = kinds({
  exact: { ignoreCase: flag },
  number: {},
  choice: { choices: different(list(32, line(120), 2), String) },
  set: { separator: text(8, /^[\s\S]/) },
  pattern: {},
  json: {},
});

const dataSet = map({
  id: name,
  file: also(file, ({ size }, at) => {
    if (size > 256 * MIB) oversized(`${at}.size`, 'at most 256 MiB');
  }),
  fields: map({ prompt: line(64), answer: line(64) }),
  heldOutOneIn: uint(1000, 2),
  checker,
});

const generator = map({
  id: name,
  version: uint(65_535, 1),
  difficulties: different(list(16, uint(255), 1), String),
});

const round = also(
  map({
    itemsPerRound: uint(256, 1),
    itemsAnswered: uint(256, 1),
    samplesPerItem: uint(64, 1),
    temperature: uint(4 * MILLION, MILLION / 100),
    answerTokens: uint(4096, 1),
    critiqueTokens: uint(4096, 1),
    learningRate: uint(1000 * MILLION, 1),
    warmupSteps: uint(10_000),
    stepsPerRound: uint(64, 1),
    weightDecay: uint(MILLION),
    heldOutItems: uint(1024, 1),
  }),
  ({ itemsPerRound, itemsAnswered }, at) => {
    if (itemsAnswered > itemsPerRound) oversized(`${at}.itemsAnswered`, `at most ${itemsPerRound}`);
  },
);

const blocks = also(
  map(
    {
      layersPerBlock: uint(1024, 1),
      skipped: uint(14),
      fullEvery: uint(1000),
      microbatches: uint(64, 1),
      rows: uint(256, 1),
      length: uint(4096, 2),
      boundary: oneOf('f32', 'bf16', 'int8'),
    },
    { vocabularyParts: uint(16, 2) },
  ),
  ({ skipped, fullEvery, rows, length }, at) => {
    if (skipped === 0 && fullEvery !== 0) malformed(`${at}.fullEvery`, '0 where no block is left out');
    if (rows * length > 4096) oversized(`${at}.rows`, 'at most 4,096 tokens in a microbatch');
  },
);

const seconds = uint(86_400, 1);

const specification = also(
  map(
    {
      version: uint(1, 1),
      name: line(80),
      description: line(400),
      language: text(35, /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/),
      startedBy: address,
      startedAt: uint(2 ** 40),
      base: kinds(
        {
          builtin: { name, root: bytes32 },
          files: {
            name: line(96),
            root: bytes32,
            files: different(list(64, file, 1), (entry) => entry.path),
          },
        },
        { files: { frozenRoot: bytes32 } },
      ),
      trained: kinds({
        full: {},
        adapters: {
          rank: uint(256, 1),
          alpha: uint(1024 * MILLION, 1),
          targets: different(list(16, text(64, /^[A-Za-z0-9_]+$/), 1), String),
        },
      }),
      models: oneOf('one', 'any'),
      tasks: map({
        generators: different(list(64, generator), ({ id }) => id),
        dataSets: different(list(16, dataSet), ({ id }) => id),
      }),
      round,
      schedule: map({ answerSeconds: seconds, critiqueSeconds: seconds, voteSeconds: seconds }),
    },
    { blocks },
  ),
  ({ tasks, models, trained, blocks: cut }) => {
    if (tasks.generators.length + tasks.dataSets.length === 0) malformed('tasks', 'at least one');
    if (cut !== undefined && models !== 'one') malformed('blocks', 'of one model for all');
    if (cut?.vocabularyParts !== undefined && trained.kind === 'full')
      malformed('blocks.vocabularyParts', 'beside adapters only');
  },
);

/** Decodes the canonical bytes. Decimals stay whole numbers of millionths, as on the wire. */
export function readSpecification(encoded) {
  if (encoded.length > MOST_BYTES) oversized('', `at most ${MOST_BYTES} bytes`);
  const value = decode(encoded);
  specification(value, '');
  return value;
}

/** Decimals by their place, with the units that one has on the wire. */
const UNITS = {
  'round.temperature': MILLION,
  'round.weightDecay': MILLION,
  'round.learningRate': 1000 * MILLION,
  'trained.alpha': MILLION,
};

/** [S-04] The specification as JSON has it: hexadecimal, decimals, and CIDs as text. */
export function asJson(value, at = '') {
  if (value instanceof Uint8Array) return toHex(value);
  if (value instanceof Link) return CID.decode(value.cid).toString();
  if (Array.isArray(value)) return value.map((entry) => asJson(entry, at));
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value);
    return Object.fromEntries(
      entries.map(([key, inner]) => [key, asJson(inner, at === '' ? key : `${at}.${key}`)]),
    );
  }
  return Object.hasOwn(UNITS, at) ? value / UNITS[at] : value;
}
