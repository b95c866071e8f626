/** Limits the duty cycle of an engine, the share of time that it computes, by pauses. */

import type { Engine } from './engine.ts';

/** An engine whose duty cycle can be limited. The limit changes no bit. */
export interface PacedEngine extends Engine {
  /**
   * Sets the share of time that the engine computes, 0.1 to 1, from now on, also within a run. Throws
   * RangeError otherwise.
   */
  setShare(share: number): void;
}

/** Whether an engine can keep to a share of the time. */
export function canPace(engine: Engine): engine is PacedEngine {
  return 'setShare' in engine;
}

/** The smallest share that can be set. */
export const LEAST_SHARE = 0.1;

/** Time for an engine that pauses. Tests pass one that is simulated. */
export interface Clock {
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** Resolves after `ms`, or rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', stop);
        resolve();
      }, ms);
      const stop = (): void => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', stop, { once: true });
    }),
};

/** Timers are coarse: shorter pauses are added up until one of this length is due. */
const LEAST_PAUSE_MS = 2;
/** Longer pauses are taken in pieces of this length, so that a higher share takes effect during a pause. */
const LONGEST_PAUSE_MS = 100;

/**
 * Pauses so that about `share` of any period is work. If a pause takes longer than planned, the next one is
 * shorter: the average holds with coarse timers, too.
 */
export class DutyCycle {
  readonly #clock: Clock;
  #share = 1;
  /** Pause still to be taken, at the current share. */
  #owedMs = 0;

  constructor(clock: Clock = SYSTEM_CLOCK) {
    this.#clock = clock;
  }

  get share(): number {
    return this.#share;
  }

  /** Sets the share, 0.1 to 1, from the next pause on. Throws RangeError for any other number. */
  set share(share: number) {
    if (!(share >= LEAST_SHARE && share <= 1)) {
      throw new RangeError(`A share of the device goes from ${LEAST_SHARE} to 1, not ${share}.`);
    }
    this.#share = share;
    if (share === 1) this.#owedMs = 0;
  }

  /** Records `ms` of work and pauses as long as the share requires. Rejects with the signal's reason. */
  async worked(ms: number, signal?: AbortSignal): Promise<void> {
    if (this.#share === 1) return;
    this.#owedMs += (ms * (1 - this.#share)) / this.#share;
    while (this.#owedMs >= LEAST_PAUSE_MS) {
      signal?.throwIfAborted();
      const start = this.#clock.now();
      await this.#clock.sleep(Math.min(this.#owedMs, LONGEST_PAUSE_MS), signal);
      this.#owedMs -= this.#clock.now() - start;
    }
  }
}
