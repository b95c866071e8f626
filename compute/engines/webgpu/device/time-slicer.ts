/**
 * Runs commands in submissions of a few milliseconds, so that other work on the GPU (the page's own pictures)
 * gets its turn. The slicer learns how long a workgroup of each step takes while it runs, and divides a
 * dispatch that is too long.
 */
import { must } from '../../../../protocol/must.ts';
import type { Clock, DutyCycle } from '../../duty-cycle.ts';
import type { PlannedStep } from '../plan/memory-slots.ts';
import { CommandEncoder } from './command-encoder.ts';
import type { Command } from './compiled-plan.ts';
import type { WorkgroupOffsets } from './workgroup-offsets.ts';

export interface TimeSlicerOptions {
  readonly device: GPUDevice;
  readonly workgroupOffsets: WorkgroupOffsets;
  readonly clock: Clock;
  readonly duty: DutyCycle;
  /** Milliseconds that a submission should take at most. */
  readonly sliceMs: number;
  /** Rejects instead of `pending` when the device is lost. */
  readonly orLost: <T>(pending: Promise<T>) => Promise<T>;
}

/** Workgroups of the first submission of a step that was never timed. */
const PROBE_GROUPS = 64;
/** A rate that was measured on few workgroups is trusted for at most this many times as many. */
const MAX_GROWTH = 8;
/** Weight of a new measurement against the older ones. */
const NEW_WEIGHT = 0.5;

interface Rate {
  msPerGroup: number;
  /** The most workgroups that were timed at once. */
  groups: number;
}

/** Workgroups of one step in a submission. */
interface Part {
  readonly planned: PlannedStep;
  readonly groups: number;
}

export class TimeSlicer {
  readonly #options: TimeSlicerOptions;
  readonly #rates = new WeakMap<PlannedStep, Rate>();

  constructor(options: TimeSlicerOptions) {
    this.#options = options;
  }

  /**
   * Runs the commands in order. Resolves with the number of submissions once the device is done. Rejects
   * between submissions if `signal` is aborted.
   */
  async run(commands: readonly Command[], signal?: AbortSignal): Promise<number> {
    const { device, workgroupOffsets, clock, duty, orLost } = this.#options;
    let submissions = 0;
    let at = 0;
    /** Workgroups of the command `at` that earlier submissions ran. */
    let done = 0;
    while (at < commands.length) {
      signal?.throwIfAborted();
      workgroupOffsets.reset();
      const encoder = new CommandEncoder(device, workgroupOffsets);
      const parts: Part[] = [];
      let budget = this.#options.sliceMs;
      while (at < commands.length && budget > 0) {
        const command = must(commands, at);
        if (command.kind !== 'dispatch') {
          encoder.add(command);
          at += 1;
          continue;
        }
        const [x, y, z] = command.groups;
        const total = x * y * z;
        const left = total - done;
        // A submission has at least one workgroup. A dispatch that cannot be divided has a submission of its
        // own if need be.
        const least = command.isDivisible ? 1 : left;
        const isFirst = parts.length === 0;
        const allowed = Math.max(this.#allowed(command.planned, budget), isFirst ? least : 0);
        if (allowed < least) break;
        const groups = Math.min(left, allowed);
        const isWhole = groups === total;
        if (isWhole) encoder.add(command);
        const taken = isWhole ? groups : encoder.addPart(command, done, groups);
        parts.push({ planned: command.planned, groups: taken });
        budget -= this.#cost(command.planned, taken);
        done += taken;
        if (taken < left) break;
        at += 1;
        done = 0;
      }
      const start = clock.now();
      device.queue.submit([encoder.finish()]);
      submissions += 1;
      await orLost(device.queue.onSubmittedWorkDone());
      const ms = clock.now() - start;
      this.#learn(parts, ms);
      await orLost(duty.worked(ms, signal));
    }
    return submissions;
  }

  /** Workgroups of a step that should fit in `budget` milliseconds. */
  #allowed(planned: PlannedStep, budget: number): number {
    const rate = this.#rates.get(planned);
    if (rate === undefined) return PROBE_GROUPS;
    return Math.floor(Math.min(budget / rate.msPerGroup, rate.groups * MAX_GROWTH));
  }

  /** Milliseconds that workgroups of a step should take. */
  #cost(planned: PlannedStep, groups: number): number {
    const rate = this.#rates.get(planned);
    // An eighth of a slice is a guess, by which several unknown steps share a submission.
    return rate === undefined ? this.#options.sliceMs / 8 : rate.msPerGroup * groups;
  }

  /** Divides the time of a submission among its parts, in proportion to their expected times. */
  #learn(parts: readonly Part[], ms: number): void {
    const costs = parts.map(({ planned, groups }) => this.#cost(planned, groups));
    const total = costs.reduce((sum, cost) => sum + cost, 0);
    for (const [i, { planned, groups }] of parts.entries()) {
      const measured = Math.max((ms * must(costs, i)) / total / groups, 1e-7);
      const rate = this.#rates.get(planned);
      if (rate === undefined) this.#rates.set(planned, { msPerGroup: measured, groups });
      else {
        rate.msPerGroup += NEW_WEIGHT * (measured - rate.msPerGroup);
        rate.groups = Math.max(rate.groups, groups);
      }
    }
  }
}
