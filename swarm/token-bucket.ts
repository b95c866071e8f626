import { BoundedMap } from './bounded-map.ts';

export interface Quota {
  /** Tokens added per second. */
  readonly perSecond: number;
  /** Tokens that a bucket holds at most. */
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  at: number;
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

  constructor(quota: Quota, now: () => number, maxKeys = 4096) {
    this.#quota = quota;
    this.#now = now;
    this.#buckets = new BoundedMap(maxKeys);
  }

  /** Takes `cost` tokens. 'flood' means that more than ten bursts were refused since the last success. */
  take(key: string, cost = 1): 'taken' | 'empty' | 'flood' {
    const { perSecond, burst } = this.#quota;
    const now = this.#now();
    const bucket = this.#buckets.get(key) ?? { tokens: burst, at: now, overdrawn: 0 };
    bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * perSecond);
    bucket.at = now;
    this.#buckets.set(key, bucket);
    if (bucket.tokens < cost) {
      bucket.overdrawn += cost;
      return bucket.overdrawn > 10 * burst ? 'flood' : 'empty';
    }
    bucket.tokens -= cost;
    bucket.overdrawn = 0;
    return 'taken';
  }
}
