/** Notices a step that stands still, as when the only device that had a block is gone. */
import type { Scheduler } from '../scheduler.ts';

/** A step of which nobody handed a hop off for so long, in ms, does not end by itself. */
const STALL_MS = 300_000;

/** How far a device sees a step. */
interface Progress {
  readonly step: number;
  /** Hops that are handed off. */
  readonly hops: number;
}

export class StallWatch {
  readonly #scheduler: Scheduler;
  #seen: (Progress & { readonly at: number }) | undefined;
  #left: number | undefined;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Computing begins, be it the same step once more. */
  begin(): void {
    this.#seen = undefined;
    this.#left = undefined;
  }

  /** Compares with what was seen before. Returns whether the step stands still, and the device leaves it. */
  leaves({ step, hops }: Progress): boolean {
    const now = this.#scheduler.now();
    if (this.#seen?.step !== step || this.#seen.hops !== hops) this.#seen = { step, hops, at: now };
    if (now - this.#seen.at < STALL_MS) return false;
    this.#left = step;
    return true;
  }

  /** Whether this device left that step because it stood still, and has not computed since. */
  hasLeft(step: number): boolean {
    return this.#left === step;
  }
}
