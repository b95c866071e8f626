import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { neverStuck } from './never-stuck.ts';
import { type Departure, PipelineStuckError, simulate } from './simulate.ts';
import type { Timing } from './timing.ts';

function timingWith(slots: readonly number[], delays: readonly number[]): Timing {
  return {
    slots,
    work: slots.map((_, node) => ({ forward: 10 + delays[node]!, loss: 1, backward: 20 })),
    rest: 1,
    links: slots.map((_, from) =>
      slots.map((_, to) => ({ latency: delays[(from * 3 + to) % delays.length]!, transfer: 5 })),
    ),
    serialUplink: true,
  };
}

function getsStuck(timing: Timing, departures: readonly Departure[]): boolean {
  try {
    simulate(timing, departures);
    return false;
  } catch (error) {
    if (error instanceof PipelineStuckError) return true;
    throw error;
  }
}

describe('neverStuck', () => {
  it('holds for routes in one order, for enough slots, and for a route that follows itself', () => {
    const crossing = [{ route: [0, 2, 3] }, { route: [1, 3, 2] }];
    expect(neverStuck([1, 1, 1, 1], crossing)).toBe(false);
    expect(neverStuck([1, 1, 2, 2], crossing)).toBe(true);
    expect(neverStuck([1, 1, 1, 1], [{ route: [0, 2, 3] }, { route: [1, 2, 3] }])).toBe(true);
    expect(neverStuck([1, 1], [{ route: [0, 1] }, { route: [0, 1], after: 0 }])).toBe(true);
  });

  it('is right whatever the times are, and not for nothing: others do get stuck', () => {
    let stuck = 0;
    let safe = 0;
    const route = fc.shuffledSubarray([2, 3, 4, 5], { minLength: 2, maxLength: 3 });
    const routes = fc.array(fc.tuple(fc.integer({ min: 0, max: 1 }), route, fc.nat(30)), {
      minLength: 2,
      maxLength: 7,
    });
    const delays = fc.array(fc.nat(50), { minLength: 6, maxLength: 6 });
    const slots = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(routes, delays, slots, (drawn, times, counts) => {
        const departures = drawn.map(([origin, rest, at]) => ({ route: [origin, ...rest], at }));
        const is = getsStuck(timingWith(counts, times), departures);
        if (is) stuck++;
        if (!neverStuck(counts, departures)) return;
        safe++;
        expect(is).toBe(false);
      }),
      { numRuns: 400, seed: 17 },
    );
    expect(stuck).toBeGreaterThan(0);
    expect(safe).toBeGreaterThan(20);
  });
});
