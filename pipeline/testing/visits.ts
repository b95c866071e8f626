import type { Plan } from '../plan.ts';
import type { Route } from '../route.ts';

/** How many routes lead over each node, in order of the nodes. */
export function visitsOf(nodes: number, routes: readonly Route[]): number[] {
  return Array.from({ length: nodes }, (_, node) => routes.filter((route) => route.includes(node)).length);
}

/** The stages of a route's nodes behind its origin. */
export function stagesOf({ stages }: Plan, route: Route): number[] {
  return route.slice(1).map((node) => stages.findIndex((nodes) => nodes.includes(node)));
}
