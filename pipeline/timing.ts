/**
 * How long things take, in integers: microseconds and bytes. Every device that has the same table computes
 * the same times.
 */
import type { TaskKind } from './route.ts';

export const MICROSECONDS = 1_000_000;

export interface Link {
  /** From the last byte sent to the last byte there, in microseconds. */
  readonly latency: number;
  /** From the first byte sent to the last, in microseconds. */
  readonly transfer: number;
}

/** What a step of training takes on these nodes. All times in integer microseconds. */
export interface Timing {
  /** Microbatches that a node can keep, one number for each node. */
  readonly slots: readonly number[];
  /** How long each kind of task takes on each node. */
  readonly work: readonly Readonly<Record<TaskKind, number>>[];
  /** How long a node is busy after a task, with moving its result off the accelerator. */
  readonly rest: number;
  /** `links[from][to]`, for what goes over a hop. */
  readonly links: readonly (readonly Link[])[];
  /** Whether a node sends one thing at a time; otherwise any number at full speed. */
  readonly serialUplink: boolean;
}

/** From the end of a task to the arrival at the next node when the uplink is idle, in microseconds. */
export function hopTime({ links }: Timing, from: number, to: number): number {
  const { latency, transfer } = links[from]![to]!;
  return latency + transfer;
}

/** What a route takes alone: every pass, and every hop both ways. In microseconds. */
export function tripTime(timing: Timing, route: readonly number[]): number {
  let total = 0;
  for (const [place, node] of route.entries()) {
    const next = route[(place + 1) % route.length]!;
    const { forward, backward } = timing.work[node]!;
    total += forward + backward + hopTime(timing, node, next) + hopTime(timing, next, node);
  }
  return total + timing.work[route[0]!]!.loss;
}
