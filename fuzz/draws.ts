import { sha256 } from '@noble/hashes/sha2.js';

const rotl = (x: number, by: number): number => (x << by) | (x >>> (32 - by));

/**
 * Random draws that follow from a text alone: xoshiro128** (Blackman and Vigna, 2018), seeded by SHA-256.
 * Not for secrets.
 */
export class Draws {
  readonly #state: Int32Array;

  constructor(seed: string) {
    const digest = sha256(new TextEncoder().encode(seed));
    this.#state = new Int32Array(digest.buffer.slice(digest.byteOffset, digest.byteOffset + 16));
  }

  /** 0 to 2^32 - 1. */
  next(): number {
    const s = this.#state as Int32Array & Record<0 | 1 | 2 | 3, number>;
    const result = Math.imul(rotl(Math.imul(s[1], 5), 7), 9);
    const shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotl(s[3], 11);
    return result >>> 0;
  }

  /** 0 to `bound` - 1. The tiny bias of the remainder does not matter here. */
  below(bound: number): number {
    return this.next() % bound;
  }

  /** True in `percent` of a hundred cases. */
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  /** One of a list that is not empty. */
  pick<T>(list: ArrayLike<T>): T {
    return list[this.below(list.length)] as T;
  }
}
