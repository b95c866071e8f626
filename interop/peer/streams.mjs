/**
 * Frames of the streams ([P-90] to [P-94], [P-141], [P-171], [P-172]): requests and responses of content,
 * manifests, messages of a pipeline and their slices.
 */
import { bigEndian, concat, equal, malformed, oversized, sha2 } from './bytes.mjs';
import { decode } from './cbor.mjs';
import { handoff } from './handoffs.mjs';
import { address, bytes, list, MOST_ROUND, map, oneOf, text, uint } from './shapes.mjs';

const CHUNK_BYTES = 262_144;
const MOST_CHUNKS = 16_384;
const MOST_FILE_BYTES = CHUNK_BYTES * MOST_CHUNKS;
const REQUEST_KINDS = ['manifest', 'chunk', 'object'];
const STATUSES = ['found', 'absent', 'busy'];
const REQUEST_BYTES = 41;
const RESPONSE_HEAD = 5;
const CID_HEADS = { file: [1, 0x55, 0x12, 0x20], object: [1, 0x71, 0x12, 0x20] };

const number = (of, at, size = 4) =>
  Number(BigInt(`0x${Buffer.from(of.slice(at, at + size)).toString('hex')}`));

/** @param {string} kind @param {number} index @param {Uint8Array} cid */
export function encodeRequest(kind, index, cid) {
  return concat(Uint8Array.of(REQUEST_KINDS.indexOf(kind)), bigEndian(index, 4), cid);
}

/** @param {Uint8Array} request */
export function readRequest(request) {
  if (request.length !== REQUEST_BYTES) malformed('request', `${REQUEST_BYTES} bytes`);
  const kind = REQUEST_KINDS[request[0]];
  if (kind === undefined) malformed('request', 'of a known kind');
  const index = number(request, 1);
  if (index >= MOST_CHUNKS) oversized('index', `below ${MOST_CHUNKS}`);
  const cid = request.slice(5);
  const head = Uint8Array.from(kind === 'object' ? CID_HEADS.object : CID_HEADS.file);
  if (!equal(cid.slice(0, 4), head)) malformed('cid', 'that of such a thing');
  return { kind, index, cid };
}

/** @param {string} status @param {number} index @param {Uint8Array} found */
export function encodeResponse(status, index, found) {
  return concat(Uint8Array.of(STATUSES.indexOf(status)), bigEndian(index, 4), found);
}

/** @param {Uint8Array} frame */
export function readResponse(frame) {
  const status = STATUSES[frame[0]];
  if (frame.length < RESPONSE_HEAD || status === undefined) malformed('response', 'a status and an index');
  return { status, index: number(frame, 1), found: frame.slice(RESPONSE_HEAD) };
}

/** The manifest of a file in memory. @param {Uint8Array} file */
export function manifestOf(file) {
  const hashes = [];
  for (let at = 0; at < file.length; at += CHUNK_BYTES) hashes.push(sha2(file.slice(at, at + CHUNK_BYTES)));
  return concat(bigEndian(file.length, 8), ...hashes);
}

/** The size of a manifest's file and the hash of each chunk. @param {Uint8Array} manifest */
export function readManifest(manifest) {
  if (manifest.length < 8) malformed('manifest', 'a size');
  const size = number(manifest, 0, 8);
  if (size > MOST_FILE_BYTES) oversized('size', `at most ${MOST_FILE_BYTES}`);
  const chunks = Math.ceil(size / CHUNK_BYTES);
  if (manifest.length !== 8 + 32 * chunks) malformed('manifest', 'a hash for each chunk');
  return {
    size,
    hashes: Array.from({ length: chunks }, (_, index) => manifest.slice(8 + 32 * index, 40 + 32 * index)),
  };
}

const step = uint(MOST_ROUND);
const hop = uint(2 ** 20 - 1);
const name = text(160);
const blocks = list(256, name);
const MOST_MESSAGE = 16 * 2 ** 20;
const content = bytes(0, MOST_MESSAGE);
const placed = list(256, map({ device: address, blocks }));

/** The fields of each kind of message, besides `kind`. */
const FIELDS = {
  handoff: { handoff, tensors: list(4096, map({ name, bytes: content })) },
  want: { step, hop, tensors: list(4096, name) },
  busy: { step, hop },
  lack: { step, hop },
  ping: { step },
  pong: { step },
  hello: {},
  welcome: {
    ...{ step, keepers: placed, next: placed },
    paths: list(4096, list(16, uint(16))),
    updates: list(256, handoff),
  },
  fetch: { step, block: name },
  version: { step, block: name, file: content },
  arriving: { step, block: name },
  join: { step, blocks },
  leave: { step, blocks },
  restart: { step, blocks },
};

/** A message between members of a pipeline. @param {Uint8Array} encoded */
export function readPipelineMessage(encoded) {
  const value = decode(encoded);
  const fields = Object.hasOwn(FIELDS, value?.kind) ? FIELDS[value.kind] : undefined;
  if (fields === undefined) malformed('kind', 'that of a message');
  map({ kind: oneOf(value.kind), ...fields })(value, '');
  return value;
}

const SLICE_HEAD = 12;
const SLICE_PAYLOAD = 4_588;
const MOST_AHEAD = 64;

/** An empty message has one slice. */
const sliceCount = (length) => Math.max(1, Math.ceil(length / SLICE_PAYLOAD));

/** @param {number} messageNumber @param {Uint8Array} message */
export function slicesOf(messageNumber, message) {
  return Array.from({ length: sliceCount(message.length) }, (_, place) =>
    concat(
      ...[messageNumber, message.length, place].map((value) => bigEndian(value, 4)),
      message.slice(place * SLICE_PAYLOAD, (place + 1) * SLICE_PAYLOAD),
    ),
  );
}

/** Puts messages together from slices in any order. `add` gives those that are whole, in their order. */
export class Messages {
  #next = 0;
  #begun = new Map();

  /** @param {Uint8Array} slice @returns {Uint8Array[]} */
  add(slice) {
    if (slice.length < SLICE_HEAD || slice.length > SLICE_HEAD + SLICE_PAYLOAD) malformed('slice', 'whole');
    const [of, length, place] = [0, 4, 8].map((at) => number(slice, at));
    if (length > MOST_MESSAGE) oversized('message', `at most ${MOST_MESSAGE} bytes`);
    if (of < this.#next || of >= this.#next + MOST_AHEAD) malformed('number', 'that of an open message');
    const message = this.#begun.get(of) ?? { length, slices: new Map() };
    this.#begun.set(of, message);
    const count = sliceCount(length);
    const expected = Math.min(SLICE_PAYLOAD, length - place * SLICE_PAYLOAD);
    if (message.length !== length || place >= count || slice.length - SLICE_HEAD !== expected)
      malformed('slice', 'of its message');
    if (message.slices.has(place)) malformed('slice', 'here once');
    message.slices.set(place, slice.slice(SLICE_HEAD));
    return this.#whole();
  }

  #whole() {
    const whole = [];
    for (;;) {
      const first = this.#begun.get(this.#next);
      if (first === undefined) return whole;
      const count = sliceCount(first.length);
      if (first.slices.size < count) return whole;
      this.#begun.delete(this.#next++);
      whole.push(concat(...Array.from({ length: count }, (_, place) => first.slices.get(place))));
    }
  }
}
