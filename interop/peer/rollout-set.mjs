/** Rollout sets ([P-49]) and the commits that bind them to their authors ([P-42]). */
import { concat, malformed, oversized, sha2 } from './bytes.mjs';
import { decode, encode } from './cbor.mjs';
import { address, also, bytes, bytes32, DAG_CBOR, list, map, text, uint } from './shapes.mjs';

const MOST_BYTES = 1024 * 1024;
const MOST_TOKENS = 4096;

const logprobs = also(bytes(0, 4 * MOST_TOKENS), (value, path) => {
  if (value.length % 4 !== 0) malformed(path, 'whole f32 values');
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  for (let at = 0; at < value.length; at += 4) {
    // Canonical: neither subnormal, -0, infinite nor NaN.
    const exponent = (view.getUint32(at, true) >>> 23) & 0xff;
    if (exponent === 0xff || (exponent === 0 && view.getUint32(at, true) !== 0))
      malformed(path, 'canonical f32');
  }
});

const completion = also(
  map({ text: text(16_384), tokens: bytes(0, 4 * MOST_TOKENS), logprobs }),
  (value, path) => {
    if (value.tokens.length % 4 !== 0) malformed(path, 'whole u32 values');
    if (value.tokens.length !== value.logprobs.length) malformed(path, 'as many log-probabilities as tokens');
  },
);

export const rolloutSet = also(
  map({
    author: address,
    modelRoot: bytes32,
    groups: list(256, map({ item: uint(2 ** 32 - 1), completions: list(64, completion, 1) })),
  }),
  ({ groups }, path) => {
    for (const [index, { item }] of groups.entries())
      if (index > 0 && item <= groups[index - 1].item)
        malformed(`${path}.groups`, 'items in strictly ascending order');
  },
);

/** CIDv1 bytes of canonical bytes: dag-cbor with sha2-256. @param {Uint8Array} encoded */
export function cidOf(encoded, codec = DAG_CBOR) {
  return concat(Uint8Array.of(1, codec, 0x12, 0x20), sha2(encoded));
}

/** @returns {{ encoded: Uint8Array, cid: Uint8Array }} */
export function encodeRollouts(set) {
  rolloutSet(set, 'rollouts');
  const encoded = encode(set);
  if (encoded.length > MOST_BYTES) oversized('rollouts', `at most ${MOST_BYTES} bytes`);
  return { encoded, cid: cidOf(encoded) };
}

/** @param {Uint8Array} encoded */
export function decodeRollouts(encoded) {
  if (encoded.length > MOST_BYTES) oversized('rollouts', `at most ${MOST_BYTES} bytes`);
  const set = decode(encoded);
  rolloutSet(set, 'rollouts');
  return set;
}

/** The digest in a commit. @param {Uint8Array} salt @param {Uint8Array} author @param {Uint8Array} cid */
export function commitmentOf(salt, author, cid) {
  return sha2('starling/commit/1\n', salt, author, cid);
}

/** Packs tokens as u32, little-endian. @param {number[]} tokens */
export function packTokens(tokens) {
  const packed = Buffer.alloc(4 * tokens.length);
  for (const [index, token] of tokens.entries()) packed.writeUInt32LE(token, 4 * index);
  return Uint8Array.from(packed);
}

/** Packs log-probabilities as canonical f32, little-endian. @param {number[]} values */
export function packLogprobs(values) {
  const packed = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) packed.writeFloatLE(value === 0 ? 0 : value, 4 * index);
  return Uint8Array.from(packed);
}

/** @param {Uint8Array} packed */
export function unpackTokens(packed) {
  const view = Buffer.from(packed);
  return Array.from({ length: packed.length / 4 }, (_, index) => view.readUInt32LE(4 * index));
}
