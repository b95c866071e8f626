/** Bytes, hashes and refusals that every other file here needs. */
import { sha256 } from '@noble/hashes/sha2.js';
import { keccak_256 } from '@noble/hashes/sha3.js';

const encoder = new TextEncoder();

/** Why bytes of somebody else are not taken: the reasons of the table [P-50]. */
export class RefusedError extends Error {
  name = 'RefusedError';

  /** @param {string} reason @param {string} path @param {string} wanted */
  constructor(reason, path, wanted) {
    super(`${reason}: ${path === '' ? 'the bytes' : path} should be ${wanted}`);
    this.reason = reason;
    this.wanted = wanted;
  }
}

/** @param {string} path @param {string} wanted @returns {never} */
export function malformed(path, wanted) {
  throw new RefusedError('malformed', path, wanted);
}

/** @param {string} path @param {string} wanted @returns {never} */
export function oversized(path, wanted) {
  throw new RefusedError('oversized', path, wanted);
}

/** @param {string} text */
export function utf8(text) {
  return encoder.encode(text);
}

/** A text counts as its UTF-8. @param {...(Uint8Array | string)} parts */
export function concat(...parts) {
  return Uint8Array.from(Buffer.concat(parts.map((part) => (typeof part === 'string' ? utf8(part) : part))));
}

/** @param {string} hex With or without 0x. */
export function fromHex(hex) {
  return Uint8Array.from(Buffer.from(hex.replace(/^0x/, ''), 'hex'));
}

/** Lower case with 0x. @param {Uint8Array} bytes */
export function toHex(bytes) {
  return `0x${Buffer.from(bytes).toString('hex')}`;
}

/** @param {Uint8Array} a @param {Uint8Array} b */
export function equal(a, b) {
  return Buffer.compare(a, b) === 0;
}

/** @param {...(Uint8Array | string)} parts */
export function sha2(...parts) {
  return sha256(concat(...parts));
}

/** @param {...(Uint8Array | string)} parts */
export function keccak(...parts) {
  return keccak_256(concat(...parts));
}

/** An unsigned integer as `size` bytes, big-endian. @param {number | bigint} value @param {number} size */
export function bigEndian(value, size) {
  return fromHex(
    BigInt(value)
      .toString(16)
      .padStart(2 * size, '0'),
  );
}
