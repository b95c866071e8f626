/**
 * Packs all nodes into rings: one route for each origin, with every node on exactly one route. No other
 * packing has a shorter longest ring. The search raises a threshold and backtracks over the rings below it,
 * so the result is exact. It takes milliseconds for tens of nodes.
 */
import { legalOrders, type SwapRules } from './legal-orders.ts';
import type { Plan } from './plan.ts';
import type { Route } from './route.ts';

/** Rings that are looked at at most; more would take longer than annealing from any plan. */
const MOST_RINGS = 300_000;
/** Nodes in one set of bits. */
const MOST_NODES = 30;

/** The nodes cannot be cut into rings, or there are too many ways to. */
export class RingPackingError extends Error {
  constructor(what: string) {
    super(`${what} Start the annealing from any plan instead.`);
    this.name = 'RingPackingError';
  }
}

/** What a ring costs, an integer: `tripTime`, for example. */
export type RingCost = (route: Route) => number;

export interface RingPacking {
  /** In the order of their first nodes. */
  readonly rings: readonly Route[];
  /** The cost of the longest ring. No packing has less. */
  readonly cost: number;
  /** Partial packings that were looked at. */
  readonly tried: number;
}

interface Candidate {
  readonly route: Route;
  readonly nodes: number;
  readonly cost: number;
}

/**
 * The best packing for a given map of nodes to stages: each ring has one node of stage 0, its origin, and
 * then nodes of stages in a legal order. Throws RingPackingError where there is none.
 */
export function packRings(stages: Plan['stages'], rules: SwapRules, cost: RingCost): RingPacking {
  const nodes = stages.flat();
  const best = new BestOfNodes(cost);
  for (const order of legalOrders(rules)) {
    const extend = (route: readonly number[]): void => {
      if (route.length === rules.visited) best.add(route);
      else for (const node of stages[order[route.length - 1]!]!) extend([...route, node]);
    };
    for (const origin of stages[0]!) extend([origin]);
  }
  return cover(nodes, best.candidates);
}

/**
 * The best packing over all maps, and the map: any nodes may be origins, and `stages` follow from the rings.
 * `cost` must be the same wherever a ring begins and whichever way it goes, as `tripTime` is for equal nodes;
 * where each ring begins, and which way it goes, is what `turnedCost` is least for. Throws RingPackingError
 * where the nodes cannot be cut so.
 */
export function packRingsFreely(
  nodes: number,
  rules: SwapRules,
  cost: RingCost,
  turnedCost: RingCost = cost,
): RingPacking & { readonly stages: Plan['stages'] } {
  const best = new BestOfNodes(cost);
  const extend = (route: readonly number[], left: readonly number[]): void => {
    if (left.length === 0) {
      if (route.length < 3 || route[1]! < route.at(-1)!) best.add(route);
      return;
    }
    for (const node of left)
      extend(
        [...route, node],
        left.filter((other) => other !== node),
      );
  };
  const choose = (chosen: readonly number[], next: number): void => {
    if (chosen.length === rules.visited) extend([chosen[0]!], chosen.slice(1));
    else for (let node = next; node < nodes; node++) choose([...chosen, node], node + 1);
  };
  choose([], 0);
  const all = Array.from({ length: nodes }, (_, node) => node);
  const { rings, ...packing } = cover(all, best.candidates);
  const turned = rings.map((ring) => cheapestTurn(ring, turnedCost));
  return { ...packing, rings: turned, stages: stagesFor(turned, rules) };
}

/** The same ring from the node and in the direction that cost least; the first of equals. */
function cheapestTurn(ring: Route, cost: RingCost): Route {
  const turns = ring.flatMap((_, first) => {
    const turn = [...ring.slice(first), ...ring.slice(0, first)];
    return [turn, [turn[0]!, ...turn.slice(1).reverse()]];
  });
  return turns
    .map((route) => ({ route, cost: cost(route) }))
    .reduce((best, one) => (one.cost < best.cost ? one : best)).route;
}

/** For each set of nodes the ring that costs least; the first of equals. */
class BestOfNodes {
  readonly #byNodes = new Map<number, Candidate>();
  readonly #cost: RingCost;
  #looked = 0;

  constructor(cost: RingCost) {
    this.#cost = cost;
  }

  add(route: Route): void {
    if (++this.#looked > MOST_RINGS) throw new RingPackingError(`There are more than ${MOST_RINGS} rings.`);
    const nodes = setOf(route);
    const cost = this.#cost(route);
    const known = this.#byNodes.get(nodes);
    if (known === undefined || cost < known.cost) this.#byNodes.set(nodes, { route, nodes, cost });
  }

  get candidates(): readonly Candidate[] {
    return [...this.#byNodes.values()].sort((a, b) => a.cost - b.cost || a.nodes - b.nodes);
  }
}

/** Candidates must be in order of cost. */
function cover(nodes: readonly number[], candidates: readonly Candidate[]): RingPacking {
  if (nodes.some((node) => node >= MOST_NODES))
    throw new RingPackingError(`There are more than ${MOST_NODES} nodes.`);
  const all = setOf(nodes);
  const through = new Map(nodes.map((node) => [node, candidates.filter((one) => (one.nodes >> node) & 1)]));
  // Every node is on some ring, so that no threshold below the dearest node's cheapest ring can do.
  const bound = Math.max(...[...through.values()].map((of) => of[0]?.cost ?? Number.POSITIVE_INFINITY));
  let tried = 0;
  /** Rings within the threshold over the nodes that are left, or undefined. */
  const pack = (left: number, threshold: number): Candidate[] | undefined => {
    if (left === 0) return [];
    tried++;
    let fewest: Candidate[] | undefined;
    for (const [node, of] of through) {
      if (((left >> node) & 1) === 0) continue;
      const fitting: Candidate[] = [];
      for (const one of of) {
        if (one.cost > threshold || (fewest !== undefined && fitting.length >= fewest.length)) break;
        if ((one.nodes & left) === one.nodes) fitting.push(one);
      }
      if (fitting.length === 0) return undefined;
      if (fewest === undefined || fitting.length < fewest.length) fewest = fitting;
    }
    for (const one of fewest ?? []) {
      const rest = pack(left & ~one.nodes, threshold);
      if (rest !== undefined) return [one, ...rest];
    }
    return undefined;
  };
  const thresholds = [...new Set(candidates.map(({ cost }) => cost))].filter((cost) => cost >= bound);
  for (const threshold of thresholds) {
    const packed = pack(all, threshold);
    if (packed === undefined) continue;
    const rings = packed.map(({ route }) => route).sort((a, b) => a[0]! - b[0]!);
    return { rings, cost: Math.max(...packed.map(({ cost }) => cost)), tried };
  }
  throw new RingPackingError(`${nodes.length} nodes cannot be cut into rings.`);
}

/** Stages for the nodes of the rings: equally many in each, and every ring in a legal order. */
function stagesFor(rings: readonly Route[], rules: SwapRules): Plan['stages'] {
  const behind = rules.visited - 1;
  const each = (rings.length * behind) / (rules.stages - 1);
  const orders = legalOrders(rules);
  const counts = new Array<number>(rules.stages).fill(0);
  const chosen: (readonly number[])[] = [];
  const choose = (): boolean => {
    if (chosen.length === rings.length) return true;
    for (const order of orders) {
      if (order.some((stage) => counts[stage]! >= each)) continue;
      for (const stage of order) counts[stage]!++;
      chosen.push(order);
      if (choose()) return true;
      chosen.pop();
      for (const stage of order) counts[stage]!--;
    }
    return false;
  };
  if (!Number.isInteger(each) || !choose())
    throw new RingPackingError(
      `${rings.length} rings of ${rules.visited} nodes do not fill ${rules.stages} stages equally.`,
    );
  const stages: number[][] = Array.from({ length: rules.stages }, () => []);
  for (const [at, ring] of rings.entries())
    for (const [place, node] of ring.entries()) stages[place === 0 ? 0 : chosen[at]![place - 1]!]!.push(node);
  return stages;
}

function setOf(nodes: readonly number[]): number {
  return nodes.reduce((set, node) => set | (1 << node), 0);
}
