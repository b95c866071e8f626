import { expect, test } from 'vitest';
import { compared } from './benchmark.ts';
import { interleave } from './interleave.ts';

test('contestants take turns and each keeps its best time', async () => {
  let clock = 0;
  const order: string[] = [];
  const takes = { a: [9, 4, 3, 5], b: [9, 8, 6, 7] };
  const contestant = (name: 'a' | 'b') => ({
    name,
    async run() {
      order.push(name);
      clock += takes[name].shift() ?? 0;
    },
  });
  const best = await interleave([contestant('a'), contestant('b')], {
    rounds: 3,
    turnMs: 0,
    now: () => clock,
  });
  expect(best).toEqual([3, 6]);
  expect(order.join('')).toBe('abababab');
});

test('a ratio above 1 is better than the peer, for rates and for times', () => {
  expect(compared('x', 'GFLOP/s', 30, { name: 'p', value: 15 }).ratio).toBe(2);
  expect(compared('x', 'ms', 10, { name: 'p', value: 20 }).ratio).toBe(2);
  expect(compared('x', 'ms', 10).ratio).toBeNull();
});
