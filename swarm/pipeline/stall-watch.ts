/** Notices a step that stands still, as when the only device that had a block is gone. */
import type { Scheduler } from '../scheduler.ts';

/** A step of which nobody handed a hop off for so long, in ms, does not end by itself. */
const STALL_MS = 300_000;

/** How far a device sees a step. */
export interface Progress {
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

  /** For how long nobody has handed a hop off, in milliseconds, compared with what was seen before. */
  stillMs({ step, hops }: Progress): number {
    const now = this.#scheduler.now();
    if (this.#seen?.step !== step || this.#seen.hops !== hops) this.#seen = { step, hops, at: now };
    return now - this.#seen.at;
  }

  /** Whether the step stands still. Then the device leaves it. */
  leaves(progress: Progress): boolean {
    if (this.stillMs(progress) < STALL_MS) return false;
    this.#left = progress.step;
    return true;
  }

  /** Whether this device left that step because it stood still, and has not computed since. */
  hasLeft(step: number): boolean {
    return this.#left === step;
  }
}
