import { expect, it } from 'vitest';
import { CostMemory } from './cost-memory.ts';
import { compareCosts } from './cost-record.ts';

function memory() {
  let text: string | null = null;
  const stored = {
    get: () => text,
    set: (value: string | null) => {
      text = value;
    },
  };
  return { stored, costs: () => new CostMemory(stored) };
}
const predicted = { seconds: 6, memory: 2e8 };
const took = (round: number) => ({ round, seconds: 7, memory: null });

it('keeps prediction and rounds of each swarm over a visit', () => {
  const { costs } = memory();
  costs().add('a', took(1));
  expect(compareCosts(costs().of('a'))).toBeNull();
  costs().predict('a', predicted);
  expect(compareCosts(costs().of('a'))?.rounds).toBe(1);
  costs().add('a', took(2));
  costs().predict('a', { ...predicted, seconds: 5 });
  expect(costs().of('a')).toEqual({ predicted: { ...predicted, seconds: 5 }, rounds: [took(1), took(2)] });
  expect(costs().of('b')).toBeNull();
});

it('forgets the swarm that was used longest ago, and what is no record', () => {
  const { costs, stored } = memory();
  for (let n = 0; n < 16; n++) costs().predict(`swarm ${n}`, predicted);
  costs().add('swarm 0', took(1));
  costs().predict('one more', predicted);
  expect(costs().of('swarm 0')?.rounds).toHaveLength(1);
  expect(costs().of('swarm 1')).toBeNull();
  for (const text of ['{', '{}', '[1]', '[["a"]]', '[["a","{}"],[1,"{}"]]', 'null']) {
    stored.set(text);
    expect(costs().of('a')).toBeNull();
  }
});
