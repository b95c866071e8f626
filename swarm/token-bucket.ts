import { BoundedMap } from './bounded-map.ts';

export interface Quota {
  /** Tokens added per second. */
  readonly perSecond: number;
  /** Tokens that a bucket holds at most. */
  readonly burst: number;
}

export interface TokenBucketsOptions {
  /** Keys remembered. Defaults to 4,096. */
  readonly maxKeys?: number;
  /** Bursts that have to be refused before it is a flood. Defaults to 10. */
  readonly floodAfter?: number;
}

interface Bucket {
  tokens: number;
  at: number;
  /** Tokens that were refused, less those that were taken since. */
  overdrawn: number;
}

/**
 * A token bucket for each key. Beyond `maxKeys` the bucket least recently used is dropped. Its key then
 * starts full again.
 */
export class TokenBuckets {
  readonly #buckets: BoundedMap<string, Bucket>;
  readonly #quota: Quota;
  readonly #now: () => number;
  readonly #floodAfter: number;

  constructor(
    quota: Quota,
    now: () => number,
    { maxKeys = 4096, floodAfter = 10 }: TokenBucketsOptions = {},
  ) {
    this.#quota = quota;
    this.#now = now;
    this.#buckets = new BoundedMap(maxKeys);
    this.#floodAfter = floodAfter;
  }

  /**
   * Takes `cost` tokens, and leaves `reserve` of them in the bucket. 'flood' means that more than
   * `floodAfter` bursts were refused beyond what was taken since. So a flood is one also when every now and
   * then a token comes back.
   */
  take(key: string, cost = 1, reserve = 0): 'taken' | 'empty' | 'flood' {
    const { burst } = this.#quota;
    const bucket = this.#refilled(key);
    if (bucket.tokens - reserve < cost) {
      bucket.overdrawn += cost;
      return bucket.overdrawn > this.#floodAfter * burst ? 'flood' : 'empty';
    }
    bucket.tokens -= cost;
    bucket.overdrawn = Math.max(0, bucket.overdrawn - cost);
    return 'taken';
  }

  /** Gives `amount` tokens back, up to a full bucket. */
  give(key: string, amount: number): void {
    const bucket = this.#refilled(key);
    bucket.tokens = Math.min(this.#quota.burst, bucket.tokens + amount);
  }

  #refilled(key: string): Bucket {
    const { perSecond, burst } = this.#quota;
    const now = this.#now();
    const bucket = this.#buckets.get(key) ?? { tokens: burst, at: now, overdrawn: 0 };
    bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * perSecond);
    bucket.at = now;
    this.#buckets.set(key, bucket);
    return bucket;
  }
}
