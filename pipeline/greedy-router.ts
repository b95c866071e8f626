import { must } from '../protocol/must.ts';
import type { Router } from './hop-engine.ts';
import type { Plan } from './plan.ts';
import { hopTime, type Timing } from './timing.ts';

export interface GreedyRouterOptions {
  readonly timing: Timing;
  readonly stages: Plan['stages'];
}

/**
 * A router for when there is no plan: each microbatch goes on to the node that seems the cheapest now, by the
 * hop to it and by what it already has to do. Stages come in ascending order, so that no two microbatches can
 * wait for slots of one another: whoever waits holds slots of lower stages only. Nothing keeps the stages
 * equally busy; only a plan does that.
 */
export function greedyRouter({ timing, stages }: GreedyRouterOptions): Router {
  const stageOf = new Map(
    stages.flatMap((nodes, stage) => nodes.map((node): [number, number] => [node, stage])),
  );
  return (route, length, engine) => {
    const origin = must(route, 0);
    const at = must(route, route.length - 1);
    const frontier = stageOf.get(at);
    if (frontier === undefined) throw new RangeError(`Node ${at} is in no stage: give every node one.`);
    const after = length - route.length - 1;
    let best: { readonly node: number; readonly cost: number } | undefined;
    for (let stage = frontier + 1; stage < stages.length - after; stage++)
      for (const node of must(stages, stage)) {
        const { forward, backward } = must(timing.work, node);
        const hops = hopTime(timing, at, node) + hopTime(timing, node, origin);
        const load = engine.load(node);
        // Whoever finds no slot waits until a microbatch has gone on from there and come back.
        const missing = Math.max(0, load + 1 - must(timing.slots, node));
        const cost = hops + load * forward + missing * (2 * hops + forward + backward);
        if (best === undefined || cost < best.cost) best = { node, cost };
      }
    if (best === undefined)
      throw new RangeError(`No stage is left behind ${route.join(', ')}: give shorter routes.`);
    return best.node;
  };
}
