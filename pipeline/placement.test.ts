import { describe, expect, it } from 'vitest';
import { timingOf } from './measurements.ts';
import { pathPlan } from './path-plan.ts';
import { PlacementError, place } from './placement.ts';
import { stagesOf } from './testing/visits.ts';

const rules = { stages: 4, visited: 3 };
const seed = Uint8Array.of(7);
const paths = pathPlan({ seed, step: 1, microbatches: 12, rules });

/** Two clusters of four devices: fast within, slow between. */
function clusters(slots: number, devices = 8) {
  const all = Array.from({ length: devices }, (_, device) => device);
  const isNear = (a: number, b: number) => a % 2 === b % 2;
  return timingOf(
    {
      latency: all.map((a) => all.map((b) => (isNear(a, b) ? 5_000 : 100_000))),
      throughput: all.map((a) => all.map((b) => (isNear(a, b) ? 50_000_000 : 2_000_000))),
      work: all.map(() => ({ forward: 20_000, loss: 5_000, backward: 40_000 })),
      slots: all.map(() => slots),
    },
    { bytes: 600_000 },
  );
}

describe('place', () => {
  it('keeps each microbatch on its path, and finds a shorter plan than taking devices in turn', () => {
    const timing = clusters(12);
    const inTurn = place({ timing, rules, paths, seed, iterations: 0 });
    const placed = place({ timing, rules, paths, seed, iterations: 1500 });
    expect(placed.plan.routes.map((route) => stagesOf(placed.plan, route))).toEqual(paths);
    expect(placed.makespan).toBeLessThan(inTurn.makespan * 0.7);
  });

  it('is the same on every device', () => {
    const once = place({ timing: clusters(12), rules, paths, seed, iterations: 200 });
    expect(place({ timing: clusters(12), rules, paths, seed, iterations: 200 })).toEqual(once);
  });

  it('refuses fewer devices than stages, and slots in which microbatches could wait for ever', () => {
    expect(() => place({ timing: clusters(12, 3), rules, paths, seed })).toThrow(PlacementError);
    const swapping = ['12', '12', '21', '21', '23', '32'].map((path) => [...path].map(Number));
    expect(() => place({ timing: clusters(1), rules, paths: swapping, seed })).toThrow(PlacementError);
  });
});
