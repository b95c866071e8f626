/**
 * Improves a plan by small changes: threshold accepting (Dueck and Scheuer, J. Comput. Phys. 90, 1990), which
 * is simulated annealing without a random acceptance. Every number is an integer and the random numbers are
 * Philox's, so that equal options give equal plans on every device.
 */
import { type DrawSequence, RandomStream } from '../protocol/philox.ts';
import { LegalOrders, type SwapRules } from './legal-orders.ts';
import type { Plan } from './plan.ts';
import type { Route } from './route.ts';

/**
 * What may change. `nodes`: which nodes of the given stages a microbatch visits. `places`: which node has
 * which stage, too. `paths`: which stages a microbatch visits, and in what order, too.
 */
export type Freedom = 'nodes' | 'places' | 'paths';

export interface AnnealOptions {
  readonly start: Plan;
  readonly rules: SwapRules;
  /** At least what `cost` of a plan with this route is, and cheap to compute. */
  readonly leastCost: (route: Route, place: number) => number;
  /** What the routes cost, an integer; infinity for routes that cannot be taken. */
  readonly cost: (routes: readonly Route[]) => number;
  /**
   * How much worse than the plan at hand a changed plan may be at first; it falls to 0 over the iterations.
   */
  readonly threshold: number;
  readonly iterations: number;
  readonly freedom: Freedom;
  /** A round's seed, or any other bytes that all devices share. */
  readonly seed: Uint8Array;
  /** Told of each plan that is better than all before it. */
  readonly onBetter?: (plan: Plan, cost: number, iteration: number) => void;
}

export interface Annealed {
  readonly plan: Plan;
  readonly cost: number;
  /** Plans whose cost was computed; the others were refused by a rule or by `leastCost`. */
  readonly evaluated: number;
}

interface State {
  readonly routes: readonly Route[];
  readonly stageOf: readonly number[];
}

/** The best plan that was found. The start's cost must be finite. */
export function anneal(options: AnnealOptions): Annealed {
  const { rules, leastCost, cost, iterations, threshold, freedom, seed } = options;
  const stream = RandomStream.named({ seed, round: 0, device: '', purpose: 'placement' });
  const moves = new Moves(rules, stream.sequence(0), freedom);
  let at: State = stateOf(options.start);
  let atCost = cost(at.routes);
  let best = at;
  let bestCost = atCost;
  let evaluated = 1;
  for (let iteration = 0; iteration < iterations; iteration++) {
    const allowed = atCost + Math.floor((threshold * (iterations - iteration)) / iterations);
    const next = moves.change(at);
    if (next === undefined) continue;
    if (next.routes.some((route, place) => route !== at.routes[place] && leastCost(route, place) > allowed))
      continue;
    const nextCost = next.routes === at.routes ? atCost : cost(next.routes);
    if (next.routes !== at.routes) evaluated++;
    if (nextCost > allowed) continue;
    at = next;
    atCost = nextCost;
    if (atCost >= bestCost) continue;
    best = at;
    bestCost = atCost;
    options.onBetter?.(planOf(best), bestCost, iteration);
  }
  return { plan: planOf(best), cost: bestCost, evaluated };
}

function stateOf({ stages, routes }: Plan): State {
  const stageOf: number[] = [];
  for (const [stage, nodes] of stages.entries()) for (const node of nodes) stageOf[node] = stage;
  return { routes, stageOf };
}

function planOf({ routes, stageOf }: State): Plan {
  const stages: number[][] = [];
  for (const [node, stage] of stageOf.entries()) {
    stages[stage] ??= [];
    stages[stage].push(node);
  }
  return { stages, routes };
}

/** The small changes. Each keeps how often a node and a stage are visited, or gives undefined. */
class Moves {
  readonly #orders: LegalOrders;
  readonly #draws: DrawSequence;
  readonly #freedom: Freedom;

  constructor(rules: SwapRules, draws: DrawSequence, freedom: Freedom) {
    this.#orders = new LegalOrders(rules);
    this.#draws = draws;
    this.#freedom = freedom;
  }

  change(state: State): State | undefined {
    const kind = this.#below(10);
    if (kind < 5) return this.#exchangeNodes(state);
    if (this.#freedom === 'nodes') return undefined;
    if (kind >= 7 && kind < 9) return this.#exchangePlaces(state);
    if (this.#freedom === 'places') return undefined;
    if (kind === 9) return this.#exchangeStages(state);
    return kind === 5 ? this.#reorder(state) : this.#exchangeRoutes(state);
  }

  #below(count: number): number {
    return this.#draws.integer(0, count - 1);
  }

  /** A node of one route for a node of another; with fixed paths only for one of the same stage. */
  #exchangeNodes({ routes, stageOf }: State): State | undefined {
    const isFixed = this.#freedom !== 'paths';
    // A route keeps its origin, whose microbatches they are, unless only the path is fixed.
    const from = isFixed ? 0 : 1;
    const [i, j] = [this.#below(routes.length), this.#below(routes.length)];
    const [one, other] = [routes[i]!, routes[j]!];
    const [p, q] = [from + this.#below(one.length - from), from + this.#below(other.length - from)];
    const [a, b] = [one[p]!, other[q]!];
    if (a === b || i === j) return undefined;
    const isSameStage = stageOf[a] === stageOf[b];
    if (isFixed && !isSameStage) return undefined;
    const order = (route: Route) => (isSameStage ? route : this.#inLegalOrder(route, stageOf));
    const [first, second] = [order(one.with(p, b)), order(other.with(q, a))];
    if (first === undefined || second === undefined) return undefined;
    return { routes: routes.with(i, first).with(j, second), stageOf };
  }

  #reorder({ routes, stageOf }: State): State | undefined {
    const i = this.#below(routes.length);
    const route = this.#inLegalOrder(routes[i]!, stageOf);
    return route === undefined ? undefined : { routes: routes.with(i, route), stageOf };
  }

  /** The ways of two microbatches, from behind their origins. */
  #exchangeRoutes({ routes, stageOf }: State): State | undefined {
    const [i, j] = [this.#below(routes.length), this.#below(routes.length)];
    if (i === j) return undefined;
    const [one, other] = [routes[i]!, routes[j]!];
    return {
      routes: routes.with(i, other.with(0, one[0]!)).with(j, one.with(0, other[0]!)),
      stageOf,
    };
  }

  /** One node takes all that another has, and the other way round. */
  #exchangePlaces({ routes, stageOf }: State): State | undefined {
    const [a, b] = [this.#below(stageOf.length), this.#below(stageOf.length)];
    if (a === b) return undefined;
    return {
      routes: routes.map((route) =>
        route.includes(a) || route.includes(b)
          ? route.map((node) => (node === a ? b : node === b ? a : node))
          : route,
      ),
      stageOf: stageOf.with(a, stageOf[b]!).with(b, stageOf[a]!),
    };
  }

  /** Two nodes exchange their stages, and all routes stay where they are legal still. */
  #exchangeStages({ routes, stageOf }: State): State | undefined {
    const [a, b] = [this.#below(stageOf.length), this.#below(stageOf.length)];
    const [one, other] = [stageOf[a]!, stageOf[b]!];
    if (one === other || one === 0 || other === 0) return undefined;
    const changed = stageOf.with(a, other).with(b, one);
    for (const route of routes)
      if ((route.includes(a) || route.includes(b)) && !this.#orders.has(stagesBehind(route, changed)))
        return undefined;
    return { routes, stageOf: changed };
  }

  /** The same nodes in some legal order of their stages; undefined when their stages have none. */
  #inLegalOrder(route: Route, stageOf: readonly number[]): Route | undefined {
    const stages = stagesBehind(route, stageOf);
    const orders = this.#orders.of(stages);
    if (orders.length === 0) return undefined;
    const order = orders[this.#below(orders.length)]!;
    return [route[0]!, ...order.map((stage) => route[1 + stages.indexOf(stage)]!)];
  }
}

function stagesBehind(route: Route, stageOf: readonly number[]): number[] {
  return route.slice(1).map((node) => stageOf[node]!);
}
