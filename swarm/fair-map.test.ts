import { describe, expect, it } from 'vitest';
import { FairMap } from './fair-map.ts';

function setUp(limit: number) {
  const time = { now: 0 };
  const map = new FairMap<string, number>({ limit, now: () => time.now });
  const has = (...keys: readonly string[]): readonly boolean[] => keys.map((key) => map.has(key));
  return { time, map, has };
}

describe('FairMap', () => {
  it('[P-113] drops of the group that has most, and of that the oldest', () => {
    const { map, has } = setUp(6);
    for (const key of ['a', 'b', 'c']) map.set(key, 1, { rank: 3, group: 'honest' });
    for (let n = 0; n < 100; n++) map.set(`fresh ${n}`, 1, { rank: 3, group: 'stranger' });
    expect(map.size).toBe(6);
    expect(has('a', 'b', 'c', 'fresh 96', 'fresh 97', 'fresh 98', 'fresh 99')).toEqual([
      true,
      true,
      true,
      false,
      true,
      true,
      true,
    ]);
  });

  it('[P-113] drops what is known least first, in whatever group', () => {
    const { map, has } = setUp(3);
    map.set('owned', 1, { rank: 0, group: 'x' });
    map.set('known', 1, { rank: 1, group: 'x' });
    map.set('seen', 1, { rank: 2, group: 'y' });
    map.set('also known', 1, { rank: 1, group: 'x' });
    expect(has('owned', 'known', 'seen', 'also known')).toEqual([true, true, false, true]);
  });

  it('[P-113] drops what was left behind for a minute before what is still set', () => {
    const { time, map, has } = setUp(3);
    map.set('gone', 1, { rank: 2, group: 'a' });
    time.now = 61_000;
    for (const key of ['b1', 'b2', 'b3']) map.set(key, 1, { rank: 2, group: 'b' });
    expect(has('gone', 'b1', 'b2', 'b3')).toEqual([false, true, true, true]);
  });

  it('moves an entry that is set again to its new group', () => {
    const { map } = setUp(2);
    map.set('a', 1, { rank: 3, group: 'x' });
    map.set('a', 2, { rank: 0, group: 'y' });
    expect([map.size, map.get('a')]).toEqual([1, 2]);
    map.set('b', 1, { rank: 3, group: 'x' });
    map.set('c', 1, { rank: 3, group: 'x' });
    expect([...map.values()]).toEqual([2, 1]);
    expect(map.has('b')).toBe(false);
  });
});
