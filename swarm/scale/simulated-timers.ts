import type { Scheduler } from '../scheduler.ts';

/** The timers of this process that a library calls by their global names. */
interface Timers {
  setTimeout: (run: (...values: unknown[]) => void, ms?: number, ...values: unknown[]) => unknown;
  clearTimeout: (timer: unknown) => void;
  setInterval: (run: (...values: unknown[]) => void, ms?: number, ...values: unknown[]) => unknown;
  clearInterval: (timer: unknown) => void;
}

/**
 * Has the process's own timers and `Date.now` follow a scheduler, so that libp2p's gossipsub runs on
 * simulated time. Returns how to undo it. For programs of their own only: everything else in the process
 * stands still.
 */
export function simulateTimers(scheduler: Scheduler, random: () => number): () => void {
  const timers = globalThis as unknown as Timers;
  const { setTimeout, clearTimeout, setInterval, clearInterval } = timers;
  const { now } = Date;
  const { random: mathRandom } = Math;
  const cancel = (timer: unknown): void => {
    if (typeof timer === 'object' && timer !== null && 'cancel' in timer) (timer as Timer).cancel();
  };
  timers.setTimeout = (run, ms = 0, ...values) => new Timer(scheduler.after(ms, () => run(...values)));
  timers.clearTimeout = cancel;
  timers.setInterval = (run, ms = 0, ...values) => {
    const timer = new Timer(() => undefined);
    const tick = (): void => {
      timer.cancel = scheduler.after(ms, tick);
      run(...values);
    };
    timer.cancel = scheduler.after(ms, tick);
    return timer;
  };
  timers.clearInterval = cancel;
  const began = now();
  Date.now = () => began + Math.floor(scheduler.now());
  Math.random = random;
  return () => {
    Object.assign(timers, { setTimeout, clearTimeout, setInterval, clearInterval });
    Date.now = now;
    Math.random = mathRandom;
  };
}

class Timer {
  cancel: () => void;

  constructor(cancel: () => void) {
    this.cancel = cancel;
  }

  /** Node's timers have these. */
  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}
