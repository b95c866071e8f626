/** Keeps computing to a share of the time by pausing after work. */

import type { Engine } from './engine.ts';

/** An engine that can be kept to a share of the time. Bits do not depend on it. */
export interface PacedEngine extends Engine {
  /** Computes for about this share of the time, 0.1 to 1, from now on, also within a run. Throws RangeError otherwise. */
  setShare(share: number): void;
}

export function canPace(engine: Engine): engine is PacedEngine {
  return 'setShare' in engine;
}

/** The least share of a device that may be asked for. */
export const LEAST_SHARE = 0.1;

export interface Clock {
  /** Milliseconds, never going back. */
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

/** Timers are coarse: shorter pauses are saved up. */
const LEAST_PAUSE_MS = 2;
/** A share raised from 10 % takes effect at once, also during a pause: pauses are taken in pieces. */
const LONGEST_PAUSE_MS = 100;

/**
 * Pauses such that of any stretch of time about `share` is work. What a pause overshoots is taken off the next one, so the
 * share is kept on average however coarse timers are.
 */
export class DutyCycle {
  readonly #clock: Clock;
  #share = 1;
  /** Pause still to be taken, at the present share. */
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

  /** Records `ms` of work and pauses as long as the share asks for. Rejects with the signal's reason. */
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
