import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anneal, type Freedom } from './anneal.ts';
import { legalOrders } from './legal-orders.ts';
import type { Plan } from './plan.ts';
import type { Route } from './route.ts';
import { publishedRoutes, publishedSetting } from './skippipe/setting.ts';
import { publishedTiming } from './skippipe/timing.ts';
import { stagesOf, visitsOf } from './testing/visits.ts';
import { tripTime } from './timing.ts';

const setting = publishedSetting();
const timing = publishedTiming(setting);
const rules = { stages: 6, visited: 4 };
const start: Plan = {
  stages: setting.stages,
  routes: publishedRoutes('skipPipe').flatMap((route) => [route, route, route]),
};
/** The sum of all trips: cheap, and most changes change it. */
const cost = (routes: readonly Route[]) => routes.reduce((sum, route) => sum + tripTime(timing, route), 0);

function annealed(seed: number, freedom: Freedom, iterations = 1500) {
  return anneal({
    start,
    rules,
    cost,
    leastCost: () => 0,
    threshold: 3_000_000,
    iterations,
    freedom,
    seed: Uint8Array.of(seed),
  });
}

describe('anneal', () => {
  it('gives the same plan for the same seed, and another for another', () => {
    const [one, again, other] = [annealed(1, 'paths'), annealed(1, 'paths'), annealed(2, 'paths')];
    expect(again).toEqual(one);
    expect(other.plan).not.toEqual(one.plan);
    // Written down, so that a change of the draws or of the moves does not go unnoticed.
    expect(one.cost).toMatchInlineSnapshot(`178358742`);
  });

  it('is never worse than its start, and better here', () => {
    const { plan, cost: least } = annealed(3, 'paths');
    expect(least).toBe(cost(plan.routes));
    expect(least).toBeLessThan(cost(start.routes));
  });

  it('keeps visits and legal orders whatever it changes, and what is not free', () => {
    const legal = new Set(legalOrders(rules).map(String));
    const freedom = fc.constantFrom<Freedom>('nodes', 'places', 'paths');
    fc.assert(
      fc.property(fc.nat(255), freedom, (seed, free) => {
        const { plan } = annealed(seed, free, 300);
        const stagesIn = plan.routes.map((route) => stagesOf(plan, route));
        expect(visitsOf(20, plan.routes)).toEqual(new Array(20).fill(3));
        expect(plan.stages.map((nodes) => nodes.length)).toEqual([5, 3, 3, 3, 3, 3]);
        expect(plan.routes.every((route) => plan.stages[0]?.includes(route[0]!))).toBe(true);
        for (const order of stagesIn) expect(legal).toContain(String(order));
        for (let stage = 1; stage < 6; stage++)
          expect(stagesIn.filter((order) => order.includes(stage))).toHaveLength(9);
        if (free === 'paths') return;
        expect(stagesIn).toEqual(start.routes.map((route) => stagesOf(start, route)));
        if (free === 'nodes') expect(plan.stages.map(sorted)).toEqual(start.stages.map(sorted));
      }),
      { numRuns: 25, seed: 5 },
    );
  });

  it('does not compute the cost of what cannot be good enough', () => {
    const { evaluated } = anneal({
      start,
      rules,
      cost,
      leastCost: () => Number.POSITIVE_INFINITY,
      threshold: 0,
      iterations: 200,
      freedom: 'paths',
      seed: Uint8Array.of(1),
    });
    expect(evaluated).toBe(1);
  });
});

function sorted(numbers: readonly number[]): number[] {
  return [...numbers].sort((a, b) => a - b);
}
