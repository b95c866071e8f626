import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Departure, PipelineStuckError, type Simulation, simulate } from './simulate.ts';
import { fullPipelineInjections, publishedInjections } from './skippipe/injections.ts';
import { PUBLISHED_FIGURES, publishedRoutes, publishedSetting } from './skippipe/setting.ts';
import { departuresOf, publishedTiming } from './skippipe/timing.ts';
import { type Timing, tripTime } from './timing.ts';

const setting = publishedSetting();
const timing = publishedTiming(setting);

/** Fails when a node did two things at once or kept more microbatches than it has slots for. */
function expectRulesKept(
  { slots, work, rest }: Timing,
  departures: readonly Departure[],
  run: Simulation,
): void {
  expect(run.tasks).toHaveLength(departures.reduce((sum, { route }) => sum + 2 * route.length + 1, 0));
  expect(run.finishedAt.every((at) => at > 0 && at <= run.makespan)).toBe(true);
  for (const [node, count] of slots.entries()) {
    const tasks = run.tasks.filter((task) => task.node === node).sort((a, b) => a.starts - b.starts);
    for (const [at, { starts, ends, kind }] of tasks.entries()) {
      expect(ends - starts).toBe(work[node]?.[kind]);
      const before = tasks[at - 1];
      if (before !== undefined) expect(starts).toBeGreaterThanOrEqual(before.ends + rest);
      const taken = tasks.filter((task) => task.kind === 'forward' && task.starts <= starts).length;
      const given = tasks.filter((task) => task.kind === 'backward' && task.ends <= starts).length;
      expect(taken - given).toBeLessThanOrEqual(count);
    }
  }
}

describe('simulate', () => {
  it('gives the published schedules event-exact times within 1 % of the published ones', () => {
    const seconds = PUBLISHED_FIGURES.map((figure) => {
      const departures = departuresOf(publishedInjections(figure, setting.forward));
      const run = simulate(timing, departures);
      expectRulesKept(timing, departures, run);
      return run.makespan / 1e6;
    });
    expect(seconds).toEqual([79.979736, 48.955693, 35.497183, 33.3538]);
  });

  it('gives the full pipeline with as many microbatches as the skipping one 102.5 s', () => {
    const departures = departuresOf(fullPipelineInjections(publishedRoutes('fullPipeline'), 10));
    expect(departures).toHaveLength(30);
    expect(simulate(timing, departures).makespan).toBe(102_499_648);
  });

  it('gives a microbatch alone the time of its trip, and rests only between tasks', () => {
    const route = [0, 14, 6, 12];
    expect(simulate(timing, [{ route, at: 5 }]).makespan).toBe(5 + tripTime(timing, route));
  });

  it('sends one thing at a time over a serial uplink', () => {
    const two: Timing = {
      slots: [2, 1, 1],
      work: Array.from({ length: 3 }, () => ({ forward: 10, loss: 1, backward: 20 })),
      rest: 0,
      links: Array.from({ length: 3 }, () =>
        Array.from({ length: 3 }, () => ({ latency: 5, transfer: 100 })),
      ),
      serialUplink: false,
    };
    const departures = [
      { route: [0, 1], at: 0 },
      { route: [0, 2], at: 0 },
    ];
    const free = simulate(two, departures);
    const serial = simulate({ ...two, serialUplink: true }, departures);
    const startOf = (run: Simulation, node: number) => run.tasks.find((task) => task.node === node)?.starts;
    expect([startOf(free, 1), startOf(free, 2)]).toEqual([115, 125]);
    expect([startOf(serial, 1), startOf(serial, 2)]).toEqual([115, 215]);
  });

  it('says so when microbatches wait for one another for ever', () => {
    const stuck = { ...timing, slots: timing.slots.map(() => 1) };
    const departures = [
      { route: [0, 1, 2], at: 0 },
      { route: [3, 2, 1], at: 0 },
    ];
    expect(() => simulate(stuck, departures)).toThrow(PipelineStuckError);
  });

  it('loses no microbatch and keeps the rules for any routes that do not exceed the slots', () => {
    const route = fc.shuffledSubarray([5, 6, 7, 8, 9, 10], { minLength: 3, maxLength: 3 });
    const routes = fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), route, fc.nat(3_000_000)), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(routes, fc.boolean(), (drawn, serialUplink) => {
        const first = drawn.map(([origin, rest, at]) => ({ route: [origin, ...rest], at }));
        const departures = [...first, ...first.map((one, after) => ({ ...one, after }))];
        const wide = { ...timing, serialUplink, slots: timing.slots.map(() => 12) };
        expectRulesKept(wide, departures, simulate(wide, departures));
      }),
      { numRuns: 40, seed: 11 },
    );
  });
});
