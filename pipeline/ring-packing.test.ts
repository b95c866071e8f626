import { describe, expect, it } from 'vitest';
import { legalOrders } from './legal-orders.ts';
import { packRings, packRingsFreely, RingPackingError } from './ring-packing.ts';
import type { Route } from './route.ts';
import { sharedRouteInjections } from './skippipe/injections.ts';
import { runPublishedEngine } from './skippipe/published-engine.ts';
import { publishedSetting } from './skippipe/setting.ts';
import { publishedTiming } from './skippipe/timing.ts';
import { stagesOf, visitsOf } from './testing/visits.ts';
import { tripTime } from './timing.ts';

const setting = publishedSetting();
const timing = publishedTiming(setting);
const rules = { stages: 6, visited: 4 };
const trip = (route: Route) => tripTime(timing, route);
const makespan = (routes: readonly Route[]) =>
  runPublishedEngine(setting, sharedRouteInjections(routes)).makespan;

/** Every way to cut the nodes into rings, tried one after another. */
function leastByTryingAll(nodes: readonly number[], size: number, cost: (route: Route) => number): number {
  const [first, ...others] = nodes;
  if (first === undefined) return 0;
  const choices = (left: readonly number[], count: number): number[][] =>
    count === 0
      ? [[]]
      : left.flatMap((node, at) => choices(left.slice(at + 1), count - 1).map((rest) => [node, ...rest]));
  const orders = (left: readonly number[]): number[][] =>
    left.length === 0
      ? [[]]
      : left.flatMap((node) => orders(left.filter((other) => other !== node)).map((rest) => [node, ...rest]));
  return Math.min(
    ...choices(others, size - 1).map((chosen) =>
      Math.max(
        Math.min(...orders(chosen).map((order) => cost([first, ...order]))),
        leastByTryingAll(
          others.filter((node) => !chosen.includes(node)),
          size,
          cost,
        ),
      ),
    ),
  );
}

describe('packRings', () => {
  it('finds the published makespan of 33.31379002209655 s for the published map, which no packing beats', () => {
    const { rings, cost } = packRings(setting.stages, rules, trip);
    expect(Math.abs(makespan(rings) - 33.31379002209655)).toBeLessThan(1e-9);
    expect(visitsOf(20, rings)).toEqual(new Array(20).fill(1));
    expect(Math.max(...rings.map(trip))).toBe(cost);
    const legal = new Set(legalOrders(rules).map(String));
    for (const ring of rings)
      expect(legal).toContain(String(stagesOf({ stages: setting.stages, routes: [] }, ring)));
  });

  it('refuses a map with a stage that has too few nodes', () => {
    expect(() => packRings([[0, 1], [2], [3]], { stages: 3, visited: 3 }, () => 1)).toThrow(RingPackingError);
  });
});

describe('packRingsFreely', () => {
  it('finds 33.05379002209655 s over all maps, the best ring through the one node in Australia', () => {
    const { rings, stages } = packRingsFreely(20, rules, trip, (route) => makespan([route]));
    expect(Math.abs(makespan(rings) - 33.05379002209655)).toBeLessThan(1e-9);
    expect(visitsOf(20, rings)).toEqual(new Array(20).fill(1));
    expect(stages.map((nodes) => nodes.length)).toEqual([5, 3, 3, 3, 3, 3]);
    expect(stages.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, node) => node));
    const legal = new Set(legalOrders(rules).map(String));
    for (const ring of rings) expect(legal).toContain(String(stagesOf({ stages, routes: [] }, ring)));
    // The bound: every packing has a ring through node 11, and its cheapest ring costs as much alone.
    expect(makespan(rings)).toBe(makespan(rings.filter((ring) => ring.includes(11))));
  });

  it('cannot be better in the published model: every packing has a ring through node 11', () => {
    const least = { anyMap: Number.POSITIVE_INFINITY, publishedMap: Number.POSITIVE_INFINITY };
    const legal = new Set(legalOrders(rules).map(String));
    const plan = { stages: setting.stages, routes: [] };
    const extend = (ring: readonly number[]): void => {
      if (ring.length === rules.visited) {
        // The second microbatch of a ring starts when the first is back: two trips, whatever the rest does.
        if (!ring.includes(11) || 2 * trip(ring) > 33_320_000) return;
        const seconds = makespan([ring]);
        least.anyMap = Math.min(least.anyMap, seconds);
        if (setting.stages[0]?.includes(ring[0]!) && legal.has(String(stagesOf(plan, ring))))
          least.publishedMap = Math.min(least.publishedMap, seconds);
        return;
      }
      for (let node = 0; node < setting.nodes; node++) if (!ring.includes(node)) extend([...ring, node]);
    };
    extend([]);
    expect(least.anyMap).toBeCloseTo(33.05379002209655, 9);
    expect(least.publishedMap).toBeCloseTo(33.31379002209655, 9);
  });

  it('is as good as trying every packing of 9 nodes, on 20 maps', () => {
    const nodes = Array.from({ length: 9 }, (_, node) => node);
    for (let seed = 1; seed <= 20; seed++) {
      const cost = (route: Route) =>
        route.reduce((sum, node, at) => sum + hash(node, route[(at + 1) % route.length]!, seed), 0);
      const packing = packRingsFreely(9, { stages: 3, visited: 3 }, cost);
      expect(packing.cost).toBe(leastByTryingAll(nodes, 3, cost));
    }
  });

  it('refuses nodes that cannot be cut into rings, and more than it can look at', () => {
    expect(() => packRingsFreely(7, { stages: 3, visited: 3 }, () => 1)).toThrow(RingPackingError);
    expect(() => packRingsFreely(30, { stages: 8, visited: 6 }, () => 1)).toThrow(RingPackingError);
  });
});

/** A symmetric distance of 1 to 97. */
function hash(a: number, b: number, seed: number): number {
  return 1 + ((Math.min(a, b) * 31 + Math.max(a, b) * 57 + seed * 13) ** 2 % 97);
}
