/**
 * Checks of decoded values: exactly the keys listed, and every list, text and integer within its limit
 * ([P-36]). A shape is a function of a value and its path that throws RefusedError.
 */
import { malformed, oversized, utf8 } from './bytes.mjs';
import { Link } from './cbor.mjs';

/** Codecs of CIDs. */
export const RAW = 0x55;
export const DAG_CBOR = 0x71;

export const uint =
  (most, least = 0) =>
  (value, path) => {
    if (!Number.isSafeInteger(value) || value < least) malformed(path, `an integer from ${least} on`);
    if (value > most) oversized(path, `at most ${most}`);
  };

export const flag = (value, path) => {
  if (typeof value !== 'boolean') malformed(path, 'true or false');
};

export const text =
  (most, pattern = /^/) =>
  (value, path) => {
    if (typeof value !== 'string' || !pattern.test(value)) malformed(path, 'a text of the given form');
    if (utf8(value).length > most) oversized(path, `at most ${most} bytes`);
  };

export const bytes =
  (least, most = least) =>
  (value, path) => {
    if (!(value instanceof Uint8Array) || value.length < least) malformed(path, `${least} bytes`);
    if (value.length > most)
      least === most ? malformed(path, `${least} bytes`) : oversized(path, `at most ${most} bytes`);
  };

export const oneOf =
  (...choices) =>
  (value, path) => {
    if (!choices.includes(value)) malformed(path, `one of ${choices.join(', ')}`);
  };

export const nullable = (shape) => (value, path) => {
  if (value !== null) shape(value, path);
};

export const list =
  (most, shape, least = 0) =>
  (value, path) => {
    if (!Array.isArray(value) || value.length < least) malformed(path, `a list of at least ${least}`);
    if (value.length > most) oversized(path, `at most ${most} entries`);
    for (const [index, entry] of value.entries()) shape(entry, `${path}[${index}]`);
  };

/** `optional` are keys that may be left out. */
export const map =
  (shapes, optional = {}) =>
  (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array)
      malformed(path, 'a map');
    const all = { ...shapes, ...optional };
    const keys = Object.keys(value);
    const missing = Object.keys(shapes).find((key) => !keys.includes(key));
    const extra = keys.find((key) => !Object.hasOwn(all, key));
    if (missing !== undefined) malformed(path === '' ? missing : `${path}.${missing}`, 'there');
    if (extra !== undefined) malformed(path, `without the key ${extra}`);
    for (const key of keys) all[key](value[key], path === '' ? key : `${path}.${key}`);
  };

/** A link to a CIDv1 of that codec with sha2-256. */
export const link = (codec) => (value, path) => {
  const cid = value instanceof Link ? value.cid : [];
  const head = [1, codec, 0x12, 0x20];
  if (cid.length !== 36 || head.some((byte, index) => cid[index] !== byte))
    malformed(path, 'a link to a CIDv1');
};

/** A shape and a rule about the value as a whole. */
export const also = (shape, rule) => (value, path) => {
  shape(value, path);
  rule(value, path);
};

export const address = bytes(20);
export const bytes32 = bytes(32);
export const MOST_ROUND = 2 ** 40;
/** A number from 0 to 1 as a whole number of millionths ([P-40]). */
export const fraction = uint(1_000_000);
