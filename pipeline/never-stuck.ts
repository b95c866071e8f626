import { must } from '../protocol/must.ts';
import type { PlannedMicrobatch } from './hop-engine.ts';

/**
 * Whether microbatches on these routes can never wait for slots of one another for ever, whatever the times
 * are. A plan that merely does not get stuck in a simulation may do so on real devices. True when one of two
 * things holds: no node keeps more microbatches at a time than it has slots for, or the nodes can be put in
 * an order that all routes follow, so that whoever waits holds slots of earlier nodes only.
 */
export function neverStuck(slots: readonly number[], microbatches: readonly PlannedMicrobatch[]): boolean {
  return fitsSlots(slots, microbatches) || followsOneOrder(slots.length, microbatches);
}

/** Of microbatches that follow one another over the same route only one is out at a time. */
function fitsSlots(slots: readonly number[], microbatches: readonly PlannedMicrobatch[]): boolean {
  const visits = slots.map(() => 0);
  for (const { route, after } of microbatches) {
    if (after !== undefined && must(microbatches, after).route.join() === route.join()) continue;
    for (const node of route) visits[node]!++;
  }
  return visits.every((count, node) => count <= must(slots, node));
}

/** Kahn's topological sort over the hops of the forward passes. */
function followsOneOrder(nodes: number, microbatches: readonly PlannedMicrobatch[]): boolean {
  const next = Array.from({ length: nodes }, () => new Set<number>());
  for (const { route } of microbatches)
    for (let place = 1; place < route.length; place++) must(next, route[place - 1]!).add(route[place]!);
  const before = new Array<number>(nodes).fill(0);
  for (const targets of next) for (const node of targets) before[node]!++;
  const open = before.flatMap((count, node) => (count === 0 ? [node] : []));
  let sorted = 0;
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    sorted++;
    for (const target of must(next, node)) if (--before[target]! === 0) open.push(target);
  }
  return sorted === nodes;
}
