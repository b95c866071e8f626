import { describe, expect, it } from 'vitest';
import { greedyRouter } from './greedy-router.ts';
import { simulate } from './simulate.ts';
import { publishedSetting } from './skippipe/setting.ts';
import { publishedTiming } from './skippipe/timing.ts';
import { stagesOf } from './testing/visits.ts';

const setting = publishedSetting();
const departures = Array.from({ length: 6 }, () => setting.stages[0]!)
  .flat()
  .map((origin) => ({ route: [origin], length: 4, at: 0 }));

describe('greedyRouter', () => {
  it('brings all 30 microbatches back over ascending stages, in less than half of the full pipeline’s time', () => {
    const timing = publishedTiming(setting);
    const run = simulate(timing, departures, greedyRouter({ timing, stages: setting.stages }));
    expect(run.makespan).toBe(40_988_837);
    expect(run.finishedAt.every((at) => at > 0)).toBe(true);
    for (const route of run.routes) {
      const stages = stagesOf({ stages: setting.stages, routes: [] }, route);
      expect(stages).toEqual([...stages].sort((a, b) => a - b));
      expect(new Set(stages).size).toBe(3);
    }
  });

  it('gets through with one slot a node', () => {
    const timing = publishedTiming(setting, { slots: 1, serialUplink: true });
    const run = simulate(timing, departures, greedyRouter({ timing, stages: setting.stages }));
    expect(run.finishedAt.every((at) => at > 0 && at <= run.makespan)).toBe(true);
  });

  it('goes to the nearer node until its queue makes the further one cheaper', () => {
    const links = [0, 1, 2].map(() =>
      [0, 1, 2].map((to) => ({ latency: to === 2 ? 300 : 100, transfer: 0 })),
    );
    const work = [0, 1, 2].map(() => ({ forward: 200, loss: 0, backward: 200 }));
    const timing = { slots: [9, 9, 9], work, rest: 0, links, serialUplink: false };
    const three = [0, 1, 2].map(() => ({ route: [0], length: 2, at: 0 }));
    const { routes } = simulate(timing, three, greedyRouter({ timing, stages: [[0], [1, 2]] }));
    expect(routes.map((route) => route[1])).toEqual([1, 1, 2]);
  });
});
