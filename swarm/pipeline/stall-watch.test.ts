import { expect, it } from 'vitest';
import { SimulatedScheduler } from '../testing/simulated-scheduler.ts';
import { StallWatch } from './stall-watch.ts';

it('[P-156] takes a step for one that stands still after 300 s without a handoff', async () => {
  const scheduler = new SimulatedScheduler();
  const watch = new StallWatch(scheduler);
  watch.begin();
  expect(watch.leaves({ step: 3, hops: 5 })).toBe(false);
  await scheduler.advance(299_999);
  expect(watch.leaves({ step: 3, hops: 5 })).toBe(false);
  expect(watch.hasLeft(3)).toBe(false);
  await scheduler.advance(1);
  expect(watch.leaves({ step: 3, hops: 5 })).toBe(true);
  expect(watch.hasLeft(3)).toBe(true);
  expect(watch.hasLeft(2)).toBe(false);
  watch.begin();
  expect(watch.hasLeft(3)).toBe(false);
});

it('[P-156] does not take a slow step for one that stands still', async () => {
  const scheduler = new SimulatedScheduler();
  const watch = new StallWatch(scheduler);
  watch.begin();
  for (let hops = 0; hops < 5; hops++) {
    expect(watch.leaves({ step: 3, hops })).toBe(false);
    await scheduler.advance(250_000);
  }
  expect(watch.leaves({ step: 4, hops: 4 })).toBe(false);
});
