/**
 * How long a device may take before others stop waiting for it: the median of its own last 20 times plus four
 * times their median absolute deviation, and never less than two round trips. A kind of hop has times of its
 * own, because a backward pass takes many times as long as a sum.
 */

const KEPT = 20;
const DEVIATIONS = 4;
const ROUND_TRIPS = 2;
/** With fewer times of a kind, they say nothing. */
const ENOUGH = 3;

export interface DeadlineOptions {
  readonly kind: string;
  /** In milliseconds. */
  readonly roundTrip: number;
  /** What holds while too few times are known, in milliseconds. */
  readonly first: number;
}

export class ResponseTimes {
  readonly #times = new Map<string, number[]>();
  /** Median plus deviations, by kind, where enough times are known. */
  readonly #usual = new Map<string, number>();
  #longest: number | undefined;

  /** A hop of that kind took the device so many milliseconds. */
  add(kind: string, ms: number): void {
    const times = this.#times.get(kind) ?? [];
    times.push(ms);
    if (times.length > KEPT) times.shift();
    this.#times.set(kind, times);
    if (times.length < ENOUGH) return;
    const middle = median(times);
    this.#usual.set(kind, middle + DEVIATIONS * median(times.map((time) => Math.abs(time - middle))));
    this.#longest = Math.max(...this.#usual.values());
  }

  /** In milliseconds. For a kind of which little is known, that of the kind which takes longest. */
  deadline({ kind, roundTrip, first }: DeadlineOptions): number {
    return Math.max(ROUND_TRIPS * roundTrip, this.#usual.get(kind) ?? this.#longest ?? first);
  }
}

/** The middle one, or the mean of the two in the middle. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2;
}
