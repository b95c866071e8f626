/**
 * Which device has which stage, and which way each microbatch goes, when the paths follow from the round's
 * seed. Every device that has the same table of measurements finds the same plan, so that nobody leads.
 */
import { must } from '../protocol/must.ts';
import { anneal } from './anneal.ts';
import type { SwapRules } from './legal-orders.ts';
import { neverStuck } from './never-stuck.ts';
import type { StageOrder } from './path-plan.ts';
import type { Plan } from './plan.ts';
import type { Route } from './route.ts';
import { type Departure, simulate } from './simulate.ts';
import { type Timing, tripTime } from './timing.ts';

export interface PlacementOptions {
  readonly timing: Timing;
  readonly rules: SwapRules;
  /** The path of each microbatch of the step, in order. */
  readonly paths: readonly StageOrder[];
  /** The round's seed. */
  readonly seed: Uint8Array;
  /** Changes that are tried. Defaults to 4,000. */
  readonly iterations?: number;
}

export interface Placement {
  readonly plan: Plan;
  /** When the last microbatch is back, in microseconds. */
  readonly makespan: number;
}

/** Fewer devices than stages, or slots in which microbatches would wait for one another for ever. */
export class PlacementError extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'PlacementError';
  }
}

const ITERATIONS = 4_000;

/** Places stages and microbatches. Throws PlacementError where no plan is safe. */
export function place(options: PlacementOptions): Placement {
  const { timing, rules, paths, seed, iterations = ITERATIONS } = options;
  if (timing.slots.length < rules.stages)
    throw new PlacementError(
      `${timing.slots.length} devices cannot keep ${rules.stages} stages. Wait for more, or cut the model into fewer.`,
    );
  const cost = (routes: readonly Route[]) => {
    const departures = departuresOf(routes);
    if (!neverStuck(timing.slots, departures)) return Number.POSITIVE_INFINITY;
    return simulate(timing, departures).makespan;
  };
  const start = startingPlan(timing.slots.length, rules.stages, paths);
  const startCost = cost(start.routes);
  if (startCost === Number.POSITIVE_INFINITY)
    throw new PlacementError(
      'Microbatches could wait for slots of one another for ever. Give devices as many slots as microbatches ' +
        'visit them in a step, or take paths without swaps.',
    );
  const { plan, cost: makespan } = anneal({
    start,
    rules,
    cost,
    leastCost: (route) => tripTime(timing, route),
    threshold: Math.floor(startCost / 16),
    iterations,
    freedom: 'places',
    seed,
  });
  return { plan, makespan };
}

/** All microbatches are ready at once; slots and queues keep them apart. */
function departuresOf(routes: readonly Route[]): Departure[] {
  return routes.map((route) => ({ route, at: 0 }));
}

/** Devices in turn over the stages, and microbatches in turn over the devices of a stage. */
function startingPlan(nodes: number, stages: number, paths: readonly StageOrder[]): Plan {
  const map: number[][] = Array.from({ length: stages }, () => []);
  for (let node = 0; node < nodes; node++) must(map, node % stages).push(node);
  const turns = map.map(() => 0);
  const take = (stage: number) => {
    const of = must(map, stage);
    return must(of, turns[stage]!++ % of.length);
  };
  return { stages: map, routes: paths.map((path) => [0, ...path].map(take)) };
}
