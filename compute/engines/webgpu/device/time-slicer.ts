/**
 * Runs commands in submissions of a few milliseconds, so that whatever else the GPU has to do (a page's own pictures) gets
 * its turn. How long a workgroup of a step takes is learnt as it runs; a dispatch that is too long is cut into parts.
 */
import type { Clock, DutyCycle } from '../../duty-cycle.ts';
import type { PlannedStep } from '../plan/plan.ts';
import { CommandEncoder } from './command-encoder.ts';
import type { Command } from './compiled-plan.ts';
import type { SliceNumbers } from './workgroup-offsets.ts';

export interface SlicerOptions {
  readonly device: GPUDevice;
  readonly numbers: SliceNumbers;
  readonly clock: Clock;
  readonly duty: DutyCycle;
  /** Milliseconds that a submission should take at most. */
  readonly sliceMs: number;
  /** Rejects instead of `pending` when the device is lost. */
  readonly orLost: <T>(pending: Promise<T>) => Promise<T>;
}

/** Workgroups of a step that were never timed to begin with. */
const PROBE_GROUPS = 64;
/** A rate that was learnt from few workgroups is trusted for no more than this many times as many. */
const MOST_GROWTH = 8;
/** What a new measurement counts for against the older ones. */
const NEWEST = 0.5;

interface Rate {
  msPerGroup: number;
  /** The most workgroups that were timed at once. */
  groups: number;
}

/** A part of a submission: groups of one step. */
interface Part {
  readonly planned: PlannedStep;
  readonly groups: number;
}

export class Slicer {
  readonly #options: SlicerOptions;
  readonly #rates = new WeakMap<PlannedStep, Rate>();
  constructor(options: SlicerOptions) {
    this.#options = options;
  }

  /**
   * Runs the commands in order and resolves, when the device is done, with the number of submissions. Between submissions an
   * abort is noticed.
   */
  async run(commands: readonly Command[], signal?: AbortSignal): Promise<number> {
    const { device, numbers, clock, duty, orLost } = this.#options;
    let submissions = 0;
    let at = 0;
    let done = 0;
    while (at < commands.length) {
      signal?.throwIfAborted();
      numbers.reset();
      const encoder = new CommandEncoder(device, numbers);
      const parts: Part[] = [];
      let budget = this.#options.sliceMs;
      while (at < commands.length && budget > 0) {
        const command = commands[at];
        if (command?.kind !== 'dispatch') {
          if (command !== undefined) encoder.add(command);
          at += 1;
          continue;
        }
        const first = parts.length === 0;
        const [x, y, z] = command.groups;
        const left = x * y * z - done;
        // One workgroup is the least, and what cannot be cut goes whole, in a submission of its own.
        const least = command.sliceable ? 1 : left;
        const allowed = Math.max(this.#allowed(command.planned, budget), first ? least : 0);
        if (allowed < least) break;
        const groups = Math.min(left, allowed);
        if (groups === x * y * z) encoder.add(command);
        const taken = groups === x * y * z ? groups : encoder.addPart(command, done, groups);
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

  /** Workgroups of a step that fit in `budget` milliseconds, as far as is known. */
  #allowed(planned: PlannedStep, budget: number): number {
    const rate = this.#rates.get(planned);
    if (rate === undefined) return PROBE_GROUPS;
    return Math.floor(Math.min(budget / rate.msPerGroup, rate.groups * MOST_GROWTH));
  }

  #cost(planned: PlannedStep, groups: number): number {
    const rate = this.#rates.get(planned);
    // An eighth of a slice is a guess that lets several unknown steps share one.
    return rate === undefined ? this.#options.sliceMs / 8 : rate.msPerGroup * groups;
  }

  /** Shares the time of a submission out over its parts, in proportion to what they were expected to take. */
  #learn(parts: readonly Part[], ms: number): void {
    const costs = parts.map(({ planned, groups }) => this.#cost(planned, groups));
    const total = costs.reduce((sum, cost) => sum + cost, 0);
    for (const [i, { planned, groups }] of parts.entries()) {
      const measured = Math.max((ms * (costs[i] ?? 0)) / total / groups, 1e-7);
      const rate = this.#rates.get(planned);
      if (rate === undefined) this.#rates.set(planned, { msPerGroup: measured, groups });
      else {
        rate.msPerGroup += NEWEST * (measured - rate.msPerGroup);
        rate.groups = Math.max(rate.groups, groups);
      }
    }
  }
}
