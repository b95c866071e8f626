/**
 * Which stages each microbatch of a step visits, and in what order: a function of the round's seed, so that
 * every device knows it and none chooses it. Every stage gets the same number of microbatches, which is what
 * keeps the gradients of the stages alike (SkipPipe, arXiv 2502.19913).
 */
import { type DrawSequence, RandomStream } from '../protocol/philox.ts';
import { LegalOrders, type SwapRules } from './legal-orders.ts';

export interface PathPlanOptions {
  /** The round's seed. */
  readonly seed: Uint8Array;
  /** The step's number, counted from 0. */
  readonly step: number;
  readonly microbatches: number;
  readonly rules: SwapRules;
  /** Every so manieth step visits all stages, step 0 among them. Defaults to 10; 0 for never. */
  readonly fullEvery?: number;
}

/** The stages after stage 0 that a microbatch visits, in order. */
export type StageOrder = readonly number[];

/** A number of microbatches that cannot be shared out equally, or rules that leave no path. */
export class PathPlanError extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'PathPlanError';
  }
}

const MOST_MICROBATCHES = 4096;
/** Exchanges tried for each microbatch. More would not make the plan more random. */
const EXCHANGES = 16;

/** One order for each microbatch. Throws PathPlanError when the stages cannot get equally many. */
export function pathPlan(options: PathPlanOptions): StageOrder[] {
  const { seed, step, microbatches, rules, fullEvery = 10 } = options;
  if (!Number.isInteger(microbatches) || microbatches < 1 || microbatches > MOST_MICROBATCHES)
    throw new PathPlanError(`A step has 1 to ${MOST_MICROBATCHES} microbatches, not ${microbatches}.`);
  const isFull = fullEvery > 0 && step % fullEvery === 0;
  const stages = Array.from({ length: rules.stages - 1 }, (_, index) => index + 1);
  if (isFull) return Array.from({ length: microbatches }, () => stages);
  const behind = rules.visited - 1;
  const orders = new LegalOrders(rules);
  const share = smallestShare(behind, stages.length);
  if (microbatches % share !== 0)
    throw new PathPlanError(
      `${microbatches} microbatches of ${behind} stages each cannot visit ${stages.length} stages equally often. ` +
        `Take a multiple of ${share}.`,
    );
  // Windows of neighbouring stages, each beginning where the last one ended: equal numbers for all.
  const sets = Array.from({ length: microbatches }, (_, number) =>
    Array.from({ length: behind }, (_, place) => stages[(number * behind + place) % stages.length]!),
  );
  if (sets.some((set) => orders.of(set).length === 0))
    throw new PathPlanError(
      'A path may not skip so many stages in a row. Let microbatches visit more of them.',
    );
  const draws = RandomStream.named({ seed, round: step, device: '', purpose: 'paths' }).sequence(0);
  for (let tries = 0; tries < EXCHANGES * microbatches; tries++) exchange(sets, orders, draws);
  return sets.map((set) => draws.pick(orders.of(set)));
}

/**
 * Two microbatches exchange a stage each, where both have a legal order afterwards. No stage comes twice in
 * one.
 */
function exchange(sets: number[][], orders: LegalOrders, draws: DrawSequence): void {
  const [i, j] = [draws.integer(0, sets.length - 1), draws.integer(0, sets.length - 1)];
  const [one, other] = [sets[i]!, sets[j]!];
  const [p, q] = [draws.integer(0, one.length - 1), draws.integer(0, other.length - 1)];
  const [a, b] = [one[p]!, other[q]!];
  if (i === j || a === b) return;
  const [first, second] = [one.with(p, b), other.with(q, a)];
  if (orders.of(first).length === 0 || orders.of(second).length === 0) return;
  sets[i] = first;
  sets[j] = second;
}

/** The least number of microbatches of `behind` stages each that visit all of `stages` equally often. */
function smallestShare(behind: number, stages: number): number {
  let share = 1;
  while ((share * behind) % stages !== 0) share++;
  return share;
}
