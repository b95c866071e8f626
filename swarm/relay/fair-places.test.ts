import { multiaddr } from '@multiformats/multiaddr';
import { describe, expect, it } from 'vitest';
import { addressPrefix, hasPlace } from './fair-places.ts';

const limits = { places: 12, perPrefix: 4, reserve: 4, fewPerPrefix: 1 };
const takenBy = (...counts: readonly number[]): string[] =>
  counts.flatMap((count, index) => Array.from({ length: count }, () => `p${index}`));

describe('hasPlace', () => {
  it('[P-17] gives one prefix no more than its part, and leaves the reserve to those with few', () => {
    expect(hasPlace(limits, 'p0', takenBy(3))).toBe(true);
    expect(hasPlace(limits, 'p0', takenBy(4))).toBe(false);
    expect(hasPlace(limits, 'p1', takenBy(4))).toBe(true);
    expect(hasPlace(limits, 'p2', takenBy(4, 3))).toBe(true);
    expect(hasPlace(limits, 'p2', takenBy(4, 3, 1))).toBe(false);
    expect(hasPlace(limits, 'p3', takenBy(4, 3, 1))).toBe(true);
    expect(hasPlace(limits, 'p9', takenBy(4, 3, 1, 1, 1, 1, 1))).toBe(false);
  });
});

describe('addressPrefix', () => {
  it.each([
    ['/ip4/192.0.2.7/tcp/1', '/ip4/192.0.2.200/tcp/9/ws', true],
    ['/ip4/192.0.2.7/tcp/1', '/ip4/192.0.3.7/tcp/1', false],
    ['/ip4/192.0.2.7/tcp/1', '/ip6/::ffff:192.0.2.9/tcp/1', true],
    ['/ip6/2001:db8:1::1/tcp/1', '/ip6/2001:db8:1:ffff::2/tcp/1', true],
    ['/ip6/2001:db8:1::1/tcp/1', '/ip6/2001:db8:2::1/tcp/1', false],
  ])('[P-17] compares %s with %s', (a, b, same) => {
    expect(addressPrefix(multiaddr(a)) === addressPrefix(multiaddr(b))).toBe(same);
  });
});
