/**
 * The way of a microbatch: its origin first, then the nodes of the other stages in the order of the forward
 * pass. From the last node it goes to the origin for the loss, and then back over the same nodes. Steps are
 * counted from 0: on a route of L nodes, L forward passes, the loss at the origin, L backward passes. Between
 * two steps lies one hop.
 */
export type Route = readonly number[];

export type TaskKind = 'forward' | 'loss' | 'backward';

/** How many steps a route of `length` nodes has. */
export function stepCount(length: number): number {
  return 2 * length + 1;
}

/** What a step of a route of `length` nodes is. */
export function taskKind(length: number, step: number): TaskKind {
  if (step < length) return 'forward';
  return step === length ? 'loss' : 'backward';
}

/** Which place of a route of `length` nodes does a step: 0 is the origin. */
export function placeOf(length: number, step: number): number {
  if (step < length) return step;
  return step === length ? 0 : 2 * length - step;
}
