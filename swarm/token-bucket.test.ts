import { describe, expect, it } from 'vitest';
import { BoundedMap } from './bounded-map.ts';
import { TokenBuckets } from './token-bucket.ts';

describe('TokenBuckets', () => {
  it('gives a burst, then what comes back with time, a key apart from another', () => {
    let now = 0;
    const buckets = new TokenBuckets({ perSecond: 2, burst: 3 }, () => now);
    expect(['a', 'a', 'a', 'a', 'b'].map((key) => buckets.take(key))).toEqual([
      'taken',
      'taken',
      'taken',
      'empty',
      'taken',
    ]);
    now = 500;
    expect(['a', 'a'].map((key) => buckets.take(key))).toEqual(['taken', 'empty']);
    now = 60_000;
    expect(['a', 'a', 'a', 'a'].map((key) => buckets.take(key))).toEqual([
      'taken',
      'taken',
      'taken',
      'empty',
    ]);
  });

  it('leaves a reserve to those who may use it', () => {
    const buckets = new TokenBuckets({ perSecond: 1, burst: 4 }, () => 0);
    expect([1, 2, 3].map(() => buckets.take('a', 1, 2))).toEqual(['taken', 'taken', 'empty']);
    expect([1, 2, 3].map(() => buckets.take('a'))).toEqual(['taken', 'taken', 'empty']);
  });

  it('gives tokens back, up to a full bucket', () => {
    const buckets = new TokenBuckets({ perSecond: 1, burst: 4 }, () => 0);
    for (let n = 0; n < 3; n++) buckets.take('a');
    buckets.give('a', 2);
    expect([1, 2, 3, 4].map(() => buckets.take('a'))).toEqual(['taken', 'taken', 'taken', 'empty']);
    buckets.give('a', 100);
    expect([buckets.take('a', 4), buckets.take('a')]).toEqual(['taken', 'empty']);
  });

  it('[P-62] finds a flood also when a token comes back now and then', () => {
    let now = 0;
    const buckets = new TokenBuckets({ perSecond: 1, burst: 2 }, () => now, { floodAfter: 3 });
    const outcomes: string[] = [];
    for (; now < 3000; now += 100) outcomes.push(buckets.take('a'));
    expect(outcomes).toContain('flood');
    // Whoever asks for no more than twice what there is is no flood.
    const calm: string[] = [];
    for (; now < 60_000; now += 500) calm.push(buckets.take('b'));
    expect(calm).not.toContain('flood');
  });

  it('does not give tokens for a clock that goes back', () => {
    let now = 1_000;
    const buckets = new TokenBuckets({ perSecond: 1, burst: 1 }, () => now);
    buckets.take('a');
    now = 0;
    expect(buckets.take('a')).toBe('empty');
  });
});

describe('BoundedMap', () => {
  it('drops the entry least recently set', () => {
    const map = new BoundedMap<string, number>(2);
    map.set('a', 1);
    map.set('b', 2);
    map.set('a', 3);
    map.set('c', 4);
    expect([...map.entries()]).toEqual([
      ['a', 3],
      ['c', 4],
    ]);
  });
});
