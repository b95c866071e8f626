/** When the microbatches of a schedule start, in the published experiments. */
import type { Route } from '../route.ts';
import { type Injection, type PublishedFigure, publishedRoutes } from './setting.ts';

/** The second microbatch of a route starts no sooner than this many seconds after the first. */
const SECOND_WAVE = 2.5;
/** Between the microbatches of an origin whose three share one route, in seconds. */
const SHARED_ROUTE_GAP = 1;
/** Between the microbatches of an origin in the full pipeline, in seconds. */
const FULL_PIPELINE_GAP = 0.1;
/** Microbatches that an origin of the full pipeline sends on before it waits. */
const FULL_PIPELINE_LANES = 3;

/**
 * The full pipeline: `each` microbatches of each route. Three may be out at once, and each of the others
 * waits for the one three places before it. The published schedule has nine each.
 */
export function fullPipelineInjections(routes: readonly Route[], each = 9): Injection[] {
  return routes.flatMap((route, line) =>
    Array.from({ length: each }, (_, index) => {
      const at = Math.floor(index / FULL_PIPELINE_LANES) * FULL_PIPELINE_GAP;
      const number = line * each + index;
      return index < FULL_PIPELINE_LANES ? { route, at } : { route, at, after: number - FULL_PIPELINE_LANES };
    }),
  );
}

/** One route for each origin: three microbatches of it a second apart, and the same three again. */
export function sharedRouteInjections(routes: readonly Route[], slots = 3): Injection[] {
  const lanes = routes.flatMap((route) =>
    Array.from({ length: slots }, (_, turn) => ({ route, at: turn * SHARED_ROUTE_GAP })),
  );
  return withSecondWave(lanes);
}

/**
 * A route for each microbatch, `slots` in a row for each origin: they start one forward pass apart, and the
 * same again in the second wave.
 */
export function ownRouteInjections(routes: readonly Route[], forward: number, slots = 3): Injection[] {
  return withSecondWave(routes.map((route, number) => ({ route, at: (number % slots) * forward })));
}

function withSecondWave(first: readonly Injection[]): Injection[] {
  return [...first, ...first.map(({ route, at }, after) => ({ route, at: at + SECOND_WAVE, after }))];
}

/** What a published schedule sends, and when. */
export function publishedInjections(figure: PublishedFigure, forward: number): Injection[] {
  const routes = publishedRoutes(figure);
  switch (figure) {
    case 'fullPipeline':
      return fullPipelineInjections(routes);
    case 'skipPipe':
      return sharedRouteInjections(routes);
    case 'randomSkip':
    case 'realCosts':
      return ownRouteInjections(routes, forward);
  }
}
