/**
 * Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As
 * Easy as 1, 2, 3" (SC 2011). A draw is a pure function of a key and a counter, so that whoever replays a
 * round can recompute any one of them in any order.
 */
import { sha256 } from '@noble/hashes/sha2.js';

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** Two 32-bit words. */
export type PhiloxKey = readonly [number, number];
/** Four 32-bit words: a counter, or the block of draws that it gives. */
export type PhiloxBlock = readonly [number, number, number, number];

/** The upper 32 bits of the 64-bit product of two 32-bit words. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  // Each partial stays below 2^53, and so exact in a double.
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const cross = aLow * bHigh + (middle % 0x10000);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000)) >>> 0;
}

/** The four words that Philox4x32-10 gives for one counter under one key. */
export function philox4x32(counter: PhiloxBlock, key: PhiloxKey): PhiloxBlock {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** What a stream of draws is for. Two purposes never share draws. */
export type StreamPurpose =
  | 'items'
  | 'answering'
  | 'sampling'
  | 'selection'
  | 'order'
  | 'judging'
  | 'critique'
  | 'practice'
  | 'voting'
  | 'correcting'
  | 'initialisation'
  | 'pretraining'
  | 'paths'
  | 'placement'
  | 'pairing'
  | 'failures';

/** What a stream's key is derived from: equal names give equal draws. */
export interface StreamName {
  /** The round's seed, or any other fixed bytes: 1 to 64 of them. */
  readonly seed: Uint8Array;
  /** Chain round, 0 .. 2^32 - 1. */
  readonly round: number;
  /** The device's address in lower case, or '' for what all devices share. */
  readonly device: string;
  readonly purpose: StreamPurpose;
}

/**
 * The uniform in [0, 1) that has the upper 24 bits of `word`: exact in f32 and canonical (0, or at least
 * 2^-24).
 */
export function uniformOf(word: number): number {
  return (word >>> 8) * 2 ** -24;
}

/**
 * Draws addressed by (item, sample, position), each a pure function of the stream's name and that address.
 */
export class RandomStream {
  readonly key: PhiloxKey;

  constructor(key: PhiloxKey) {
    this.key = key;
  }

  /**
   * The stream of that name. Its key is the first 8 bytes, little-endian, of sha256 over the UTF-8 text
   * "starling-stream-1/<purpose>/<round>/<device>/" followed by the seed.
   */
  static named(name: StreamName): RandomStream {
    const label = new TextEncoder().encode(
      `starling-stream-1/${name.purpose}/${name.round >>> 0}/${name.device.toLowerCase()}/`,
    );
    const message = new Uint8Array(label.length + name.seed.length);
    message.set(label);
    message.set(name.seed, label.length);
    const digest = sha256(message);
    const view = new DataView(digest.buffer, digest.byteOffset, 8);
    return new RandomStream([view.getUint32(0, true), view.getUint32(4, true)]);
  }

  /** A uniform 32-bit word. */
  word(item: number, sample = 0, position = 0): number {
    return philox4x32([item >>> 0, sample >>> 0, position >>> 0, 0], this.key)[0];
  }

  /** A uniform of 24 bits in [0, 1). */
  uniform(item: number, sample = 0, position = 0): number {
    return uniformOf(this.word(item, sample, position));
  }

  /** Successive draws for one (item, sample): the positions 0, 1, 2 ... in order. */
  sequence(item: number, sample = 0): DrawSequence {
    return new DrawSequence(this, item, sample);
  }
}

/** A run of draws for code that takes a number of them not known beforehand. */
export class DrawSequence {
  readonly #stream: RandomStream;
  readonly #item: number;
  readonly #sample: number;
  #position = 0;

  constructor(stream: RandomStream, item: number, sample: number) {
    this.#stream = stream;
    this.#item = item;
    this.#sample = sample;
  }

  /** The next uniform 32-bit word. */
  word(): number {
    return this.#stream.word(this.#item, this.#sample, this.#position++);
  }

  /** The next uniform of 24 bits in [0, 1). */
  uniform(): number {
    return uniformOf(this.word());
  }

  /** An integer in low..high, both included; unbiased up to (high - low + 1) / 2^32. */
  integer(low: number, high: number): number {
    return low + Math.floor((this.word() / 0x1_0000_0000) * (high - low + 1));
  }

  /** One of the choices, each as likely as another. Throws RangeError when there is none. */
  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.integer(0, choices.length - 1)];
    if (choice === undefined) throw new RangeError('Nothing to pick from: give at least one choice.');
    return choice;
  }

  /** A new array with the same members in random order (Fisher and Yates, as in Knuth 3.4.2 P). */
  shuffle<T>(members: readonly T[]): T[] {
    const order = [...members];
    for (let last = order.length - 1; last > 0; last--) {
      const other = this.integer(0, last);
      const held = order[last] as T;
      order[last] = order[other] as T;
      order[other] = held;
    }
    return order;
  }
}
