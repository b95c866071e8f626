/**
 * Which orders of stages a microbatch may take when it skips some and swaps neighbours (SkipPipe, arXiv
 * 2502.19913, as its published scheduler has the rules).
 */

export interface SwapRules {
  /** Stages of the model, the origin's included. */
  readonly stages: number;
  /** Stages that a microbatch visits, the origin's included. */
  readonly visited: number;
  /** Furthest that a step may go back below the highest stage so far. Defaults to 1. */
  readonly furthestSwap?: number;
  /** Largest sum of these distances on one route. Defaults to 2. */
  readonly swapSum?: number;
  /** Most steps back on one route. Defaults to 2. */
  readonly swaps?: number;
  /** Furthest that a step may lead from the highest stage so far, in either direction. Defaults to 4. */
  readonly furthestStep?: number;
}

/** A model of fewer stages than a route visits, or of none. */
export class SwapRulesError extends Error {
  constructor({ stages, visited }: SwapRules) {
    super(
      `A route cannot visit ${visited} of ${stages} stages. Give whole numbers of at least 2 and at most 16, ` +
        'and no more visited stages than there are.',
    );
    this.name = 'SwapRulesError';
  }
}

const MOST_STAGES = 16;

/**
 * All legal orders of the stages after stage 0, in lexicographic order: `visited - 1` different stages each.
 * Throws SwapRulesError for numbers that are none.
 */
export function legalOrders(rules: SwapRules): readonly (readonly number[])[] {
  const { stages, visited, furthestSwap = 1, swapSum = 2, swaps = 2, furthestStep = 4 } = rules;
  if (
    !Number.isInteger(stages) ||
    !Number.isInteger(visited) ||
    visited < 2 ||
    visited > stages ||
    stages > MOST_STAGES
  )
    throw new SwapRulesError(rules);
  const orders: number[][] = [];
  const extend = (order: readonly number[], frontier: number, sum: number, count: number): void => {
    if (order.length === visited - 1) {
      orders.push([...order]);
      return;
    }
    for (let stage = 1; stage < stages; stage++) {
      if (order.includes(stage) || Math.abs(stage - frontier) > furthestStep) continue;
      const back = Math.max(0, frontier - stage);
      if (back === 0) extend([...order, stage], stage, sum, count);
      else if (back <= furthestSwap && sum + back <= swapSum && count < swaps)
        extend([...order, stage], frontier, sum + back, count + 1);
    }
  };
  extend([], 0, 0, 0);
  return orders;
}

/** The legal orders by the set of their stages. */
export class LegalOrders {
  readonly #bySet = new Map<number, StageOrders>();
  readonly #legal = new Set<string>();

  constructor(rules: SwapRules) {
    for (const order of legalOrders(rules)) {
      const set = setOf(order);
      this.#bySet.set(set, [...(this.#bySet.get(set) ?? []), order]);
      this.#legal.add(order.join());
    }
  }

  /** All legal orders of these stages: none when a stage is named twice. */
  of(stages: readonly number[]): StageOrders {
    const orders = this.#bySet.get(setOf(stages));
    return orders?.[0]?.length === stages.length ? orders : [];
  }

  has(order: readonly number[]): boolean {
    return this.#legal.has(order.join());
  }
}

type StageOrders = readonly (readonly number[])[];

function setOf(stages: readonly number[]): number {
  return stages.reduce((set, stage) => set | (1 << stage), 0);
}
