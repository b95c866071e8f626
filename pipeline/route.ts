import { must } from '../protocol/must.ts';

/**
 * The way of a microbatch: its origin first, then the nodes of the other stages in the order of the forward
 * pass. From the last node it goes to the origin for the loss, and then back over the same nodes.
 */
export type Route = readonly number[];

export type TaskKind = 'forward' | 'loss' | 'backward';

/**
 * The steps of a route of L nodes: L forward passes, the loss at the origin, L backward passes. Between two
 * steps lies one hop.
 */
export function stepCount(route: Route): number {
  return 2 * route.length + 1;
}

/** What step 0 .. 2L of a route of L nodes is. */
export function taskKind(route: Route, step: number): TaskKind {
  if (step < route.length) return 'forward';
  return step === route.length ? 'loss' : 'backward';
}

/** The node that does step 0 .. 2L of a route of L nodes. Throws RangeError for any other step. */
export function nodeAt(route: Route, step: number): number {
  if (step < route.length) return must(route, step);
  return step === route.length ? must(route, 0) : must(route, 2 * route.length - step);
}
