import { describe, expect, it } from 'vitest';
import { repeatableRandom } from '../testing/dial-world.ts';
import { chooseFairly } from './fair-choice.ts';

describe('chooseFairly', () => {
  const keys = [(item: string) => [item[0] ?? ''], (item: string) => [item[1] ?? '']];

  it('[P-130] gives each group of each key the same chance, however many items it has', () => {
    const random = repeatableRandom();
    const items = ['aa', 'ab', ...Array.from({ length: 300 }, (_, i) => `bb${i}`)];
    const drawn = new Map<string, number>();
    for (let n = 0; n < 4_000; n++) {
      const item = chooseFairly(items, keys, random)?.slice(0, 2) ?? '';
      drawn.set(item, (drawn.get(item) ?? 0) + 1);
    }
    for (const [group, share] of [
      ['aa', 1_000],
      ['ab', 1_000],
      ['bb', 2_000],
    ] as const) {
      expect(Math.abs((drawn.get(group) ?? 0) - share)).toBeLessThan(150);
    }
  });

  it('has an item in every group that it names, and chooses nothing from nothing', () => {
    const both = (item: string): readonly string[] => [...item];
    expect(chooseFairly(['xy'], [both], () => 0.99)).toBe('xy');
    expect(chooseFairly([], keys, () => 0)).toBeUndefined();
  });
});
