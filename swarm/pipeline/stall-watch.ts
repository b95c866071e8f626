/** Notices a step that stands still, as when the only device that had a block is gone. */
import type { Scheduler } from '../scheduler.ts';

/** A step of which nobody handed a hop off for so long, in ms, does not end by itself. */
const STALL_MS = 300_000;

export class StallWatch {
  readonly #scheduler: Scheduler;
  #seen = { step: -1, hops: 0, at: 0 };
  #stalled: number | undefined;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Computing begins, be it the same step once more. */
  begin(): void {
    this.#seen = { step: -1, hops: 0, at: this.#scheduler.now() };
    this.#stalled = undefined;
  }

  /** Notes how many hops of the step are done. Returns whether it stands still. */
  isStalled(step: number, hops: number): boolean {
    const now = this.#scheduler.now();
    if (this.#seen.step !== step || this.#seen.hops !== hops) this.#seen = { step, hops, at: now };
    if (now - this.#seen.at < STALL_MS) return false;
    this.#stalled = step;
    return true;
  }

  /** Whether this device left that step because it stood still, and has not computed since. */
  hasLeft(step: number): boolean {
    return this.#stalled === step;
  }
}
