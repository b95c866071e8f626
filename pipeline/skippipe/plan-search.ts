/** Our planner in the published setting: exact ring packings first, then small changes. */
import { type Annealed, anneal } from '../anneal.ts';
import type { SwapRules } from '../legal-orders.ts';
import type { Plan } from '../plan.ts';
import { packRings, packRingsFreely } from '../ring-packing.ts';
import type { Route } from '../route.ts';
import { simulate } from '../simulate.ts';
import { MICROSECONDS, type Timing, tripTime } from '../timing.ts';
import { ownRouteInjections, sharedRouteInjections } from './injections.ts';
import { runPublishedEngine, tryPublishedEngine } from './published-engine.ts';
import type { PublishedSetting } from './setting.ts';
import { departuresOf, publishedTiming } from './timing.ts';

/** Four of six stages, as published. */
const SKIPPING_RULES: SwapRules = { stages: 6, visited: 4 };
const FULL_RULES: SwapRules = { stages: 6, visited: 6 };

/** A plan with one route for each origin, and its makespan in the published timing model, in seconds. */
export interface SharedRoutesPlan extends Plan {
  readonly makespan: number;
}

/** The best plan with one route for each origin for the published map. Exact. */
export function planForPublishedMap(setting: PublishedSetting): SharedRoutesPlan {
  const timing = publishedTiming(setting);
  const { rings } = packRings(setting.stages, SKIPPING_RULES, (route) => tripTime(timing, route));
  return { stages: setting.stages, routes: rings, makespan: sharedMakespan(setting, rings) };
}

/** The best plan with one route for each origin over all maps of nodes to stages. */
export function planForAnyMap(setting: PublishedSetting): SharedRoutesPlan {
  const timing = publishedTiming(setting);
  const { rings, stages } = packRingsFreely(
    setting.nodes,
    SKIPPING_RULES,
    (route) => tripTime(timing, route),
    (route) => sharedMakespan(setting, [route]),
  );
  return { stages, routes: rings, makespan: sharedMakespan(setting, rings) };
}

export interface SearchOptions {
  /** Changes that are tried, all runs together. */
  readonly iterations: number;
  readonly seed: Uint8Array;
}

/** How often the search begins anew, each time with other draws and its share of the changes. */
const RUNS = 3;

/**
 * A route for each microbatch and a free map, for the published timing model. The cost is in microseconds,
 * rounded up.
 */
export function searchPublished(setting: PublishedSetting, start: Plan, options: SearchOptions): Annealed {
  const { slots, forward } = setting;
  return searchOften(options, (one) =>
    anneal({
      ...one,
      start: withRouteForEach(start, slots),
      rules: SKIPPING_RULES,
      // The second microbatch of a route starts when the first is back.
      leastCost: (route, place) =>
        Math.floor((2 * seconds(setting, route) + (place % slots) * forward) * MICROSECONDS),
      cost: (routes) =>
        Math.ceil(tryPublishedEngine(setting, ownRouteInjections(routes, forward)).makespan * MICROSECONDS),
      threshold: 300_000,
      freedom: 'paths',
    }),
  );
}

/** The same for the event-exact model. */
export function searchEventExact(
  setting: PublishedSetting,
  timing: Timing,
  start: Plan,
  options: SearchOptions,
): Annealed {
  return anneal({
    ...options,
    start,
    rules: SKIPPING_RULES,
    leastCost: (route) => 2 * tripTime(timing, route),
    cost: (routes) => eventExactMakespan(setting, timing, routes),
    threshold: 300_000,
    freedom: 'paths',
  });
}

/**
 * What small changes make of the full pipeline: all six stages for each of 15 routes, five to a node, with
 * the map free. It shows how much of a cut is skipping, and how much is planning.
 */
export function searchFullPipeline(
  setting: PublishedSetting,
  timing: Timing,
  options: SearchOptions,
): Annealed {
  const origins = setting.stages[0]!;
  const routes = Array.from({ length: origins.length * setting.slots }, (_, number) => [
    origins[Math.floor(number / setting.slots)]!,
    ...setting.stages.slice(1).map((nodes) => nodes[number % nodes.length]!),
  ]);
  const start = { stages: setting.stages, routes };
  return anneal({
    ...options,
    start,
    rules: FULL_RULES,
    leastCost: (route) => 2 * tripTime(timing, route),
    cost: (changed) => eventExactMakespan(setting, timing, changed),
    threshold: 1_000_000,
    freedom: 'places',
  });
}

/** 30 microbatches over 15 routes, two waves, in the event-exact model; in microseconds. */
function eventExactMakespan(setting: PublishedSetting, timing: Timing, routes: readonly Route[]): number {
  return simulate(timing, departuresOf(ownRouteInjections(routes, setting.forward))).makespan;
}

/** Each route `count` times. */
export function withRouteForEach({ stages, routes }: Plan, count: number): Plan {
  return { stages, routes: routes.flatMap((route) => new Array<Route>(count).fill(route)) };
}

function searchOften(
  { iterations, seed }: SearchOptions,
  search: (options: SearchOptions) => Annealed,
): Annealed {
  const results = Array.from({ length: RUNS }, (_, run) =>
    search({ iterations: Math.floor(iterations / RUNS), seed: Uint8Array.of(...seed, run) }),
  );
  const evaluated = results.reduce((sum, result) => sum + result.evaluated, 0);
  return { ...results.reduce((best, result) => (result.cost < best.cost ? result : best)), evaluated };
}

function sharedMakespan(setting: PublishedSetting, routes: readonly Route[]): number {
  return runPublishedEngine(setting, sharedRouteInjections(routes)).makespan;
}

/** What a route takes alone, in seconds. */
function seconds({ hop, forward, backward, loss }: PublishedSetting, route: Route): number {
  let total = loss + route.length * (forward + backward);
  for (const [place, node] of route.entries()) {
    const next = route[(place + 1) % route.length]!;
    total += hop[node]![next]! + hop[next]![node]!;
  }
  return total;
}
