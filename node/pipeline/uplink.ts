/** A member's way to the others, slower than threads of one machine: each message takes its bytes' time. */
import type { Scheduler } from '../../swarm/scheduler.ts';

export interface UplinkOptions {
  /** There and back, in milliseconds, of every message. */
  readonly roundTrip: number;
  /** Megabits that the member sends in a second at most. 0 for no limit. */
  readonly megabits: number;
  readonly scheduler: Scheduler;
}

export class Uplink {
  readonly #options: UplinkOptions;
  readonly #waiting: (() => void)[] = [];
  /** When the last byte that was given is out. */
  #freeAt = 0;

  constructor(options: UplinkOptions) {
    this.#options = options;
  }

  /** Calls `deliver` when the message would be there. Messages keep their order. */
  send(bytes: number, deliver: () => void): void {
    const { roundTrip, megabits, scheduler } = this.#options;
    if (roundTrip === 0 && megabits === 0) {
      deliver();
      return;
    }
    const now = scheduler.now();
    const takes = megabits === 0 ? 0 : (8 * bytes) / (1000 * megabits);
    this.#freeAt = Math.max(now, this.#freeAt) + takes;
    this.#waiting.push(deliver);
    // Timers of different lengths may end out of order, so each hands over the message that is next.
    scheduler.after(this.#freeAt + roundTrip / 2 - now, () => this.#waiting.shift()?.());
  }
}
