/** Draws that every device computes for itself ([P-212] to [P-214]), by Philox4x32-10. */
import { sha2 } from './bytes.mjs';

const WORD = 0xffff_ffffn;
const [M0, M1] = [0xd251_1f53n, 0xcd9e_8d57n];
const [W0, W1] = [0x9e37_79b9n, 0xbb67_ae85n];
const ROUNDS = 10;

/**
 * Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011).
 * @param {number[]} counter Four 32-bit words.
 * @param {number[]} key Two.
 */
export function philox(counter, key) {
  let [c0, c1, c2, c3] = counter.map(BigInt);
  let [k0, k1] = key.map(BigInt);
  for (let round = 0; round < ROUNDS; round++) {
    const [left, right] = [M0 * c0, M1 * c2];
    [c0, c1, c2, c3] = [(right >> 32n) ^ c1 ^ k0, right & WORD, (left >> 32n) ^ c3 ^ k1, left & WORD];
    k0 = (k0 + W0) & WORD;
    k1 = (k1 + W1) & WORD;
  }
  return [c0, c1, c2, c3].map(Number);
}

/** Successive draws at one item and sample of a stream. */
class Draws {
  #key;
  #item;
  #sample;
  #position = 0;

  constructor(key, item, sample) {
    this.#key = key;
    this.#item = item;
    this.#sample = sample;
  }

  word() {
    return philox([this.#item >>> 0, this.#sample, this.#position++, 0], this.#key)[0];
  }

  /** A number in [0, 1) of 24 bits. */
  uniform() {
    return (this.word() >>> 8) * 2 ** -24;
  }

  /** From `low` to `high`, both included. */
  integer(low, high) {
    return low + Math.floor((this.word() * (high - low + 1)) / 2 ** 32);
  }

  shuffle(members) {
    const order = [...members];
    for (let last = order.length - 1; last > 0; last--) {
      const other = this.integer(0, last);
      [order[last], order[other]] = [order[other], order[last]];
    }
    return order;
  }
}

/**
 * The stream of a name.
 * @param {{ purpose: string, round: number, device: string, seed: Uint8Array }} name
 * @returns {(item: number, sample?: number) => Draws}
 */
export function stream({ purpose, round, device, seed }) {
  const digest = Buffer.from(sha2(`starling-stream-1/${purpose}/${round}/${device}/`, seed));
  const key = [digest.readUInt32LE(0), digest.readUInt32LE(4)];
  return (item, sample = 0) => new Draws(key, item, sample);
}

/**
 * [P-214] The items of the pool that a device answers, ascending.
 * @param {{ pool: { task: string }[], round: number, seed: Uint8Array, device: string,
 *   count: number }} options
 */
export function drawnItems({ pool, round, seed, device, count }) {
  const draws = stream({ purpose: 'answering', round, device, seed })(0);
  const turns = new Map();
  return draws
    .shuffle(pool.keys())
    .map((item) => {
      const { task } = pool[item];
      const turn = turns.get(task) ?? 0;
      turns.set(task, turn + 1);
      return { item, turn };
    })
    .sort((a, b) => a.turn - b.turn)
    .slice(0, count)
    .map(({ item }) => item)
    .sort((a, b) => a - b);
}
