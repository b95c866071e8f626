import type { TaskKind } from './route.ts';
import { type Link, MICROSECONDS, type Timing } from './timing.ts';

/**
 * What the nodes of a pipeline measured of one another and of themselves. Integers, so that every device that
 * has the same table computes the same times. Who signs the measurements, and which of many counts, is not
 * decided here.
 */
export interface Measurements {
  /** `latency[from][to]`, one way, in microseconds. */
  readonly latency: readonly (readonly number[])[];
  /** `throughput[from][to]`, in bytes a second. */
  readonly throughput: readonly (readonly number[])[];
  /** How long each kind of task takes on each node, in microseconds. */
  readonly work: readonly Readonly<Record<TaskKind, number>>[];
  /** Microbatches that each node can keep between their forward and their backward pass. */
  readonly slots: readonly number[];
}

export interface HopCosts {
  /** What goes over a hop, in bytes. */
  readonly bytes: number;
  /** What a hop takes besides, at both ends, in microseconds. Defaults to 0. */
  readonly fixed?: number;
  /** How long a node is busy after a task, in microseconds. Defaults to 0. */
  readonly rest?: number;
  /** Whether a node sends one thing at a time. Defaults to true. */
  readonly serialUplink?: boolean;
}

/** A table that is not square, or a number that no device can have measured. */
export class MeasurementsError extends Error {
  constructor(what: string) {
    super(`${what} Measure again, or leave the node out of the plan.`);
    this.name = 'MeasurementsError';
  }
}

/** An hour: whoever is slower takes part in no step. */
const LONGEST = 3600 * MICROSECONDS;
/** 100 Gbit/s. */
const FASTEST = 12_500_000_000;
const MOST_SLOTS = 4096;
const MOST_BYTES = 2 ** 32;

/**
 * The times of a step of training between these nodes. Throws MeasurementsError for numbers out of bounds.
 */
export function timingOf(measured: Measurements, costs: HopCosts): Timing {
  const { latency, throughput, work, slots } = measured;
  const { bytes, fixed = 0, rest = 0, serialUplink = true } = costs;
  const nodes = slots.length;
  expectInteger(bytes, 0, MOST_BYTES, 'the bytes of a hop');
  expectInteger(fixed, 0, LONGEST, 'the fixed time of a hop');
  expectInteger(rest, 0, LONGEST, 'the rest after a task');
  if (nodes < 2 || [latency, throughput, work].some(({ length }) => length !== nodes))
    throw new MeasurementsError(`There are ${nodes} nodes, but not as many rows in each table.`);
  for (const [node, count] of slots.entries()) {
    expectInteger(count, 1, MOST_SLOTS, `the slots of node ${node}`);
    for (const kind of ['forward', 'loss', 'backward'] as const)
      expectInteger(work[node]![kind], 0, LONGEST, `the time of the ${kind} task on node ${node}`);
  }
  const linkOf = (from: number, to: number): Link => {
    if (from === to) return { latency: 0, transfer: 0 };
    const [oneWay, rate] = [latency[from]![to], throughput[from]![to]];
    expectInteger(oneWay, 0, LONGEST, `the latency from node ${from} to node ${to}`);
    expectInteger(rate, 1, FASTEST, `the throughput from node ${from} to node ${to}`);
    return { latency: oneWay + fixed, transfer: Math.ceil((bytes * MICROSECONDS) / rate) };
  };
  const all = slots.map((_, node) => node);
  return { slots, work, rest, links: all.map((from) => all.map((to) => linkOf(from, to))), serialUplink };
}

function expectInteger(
  value: number | undefined,
  least: number,
  most: number,
  what: string,
): asserts value is number {
  if (value === undefined || !Number.isSafeInteger(value) || value < least || value > most)
    throw new MeasurementsError(`${what} is ${value}; it must be a whole number of ${least} to ${most}.`);
}
