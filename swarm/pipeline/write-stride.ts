/**
 * Every how many steps a device writes its versions to the medium. Steps of a small model are over sooner
 * than a version is written, told to others and deleted again.
 */

/** Versions are written this many milliseconds apart, or further. */
const LEAST_MS = 10_000;
const REMEMBERED = 16;
/**
 * With fewer steps, nothing is known. More would let fast steps fill a small quota before they are told
 * apart.
 */
const ENOUGH = 1;

/**
 * The stride is a power of two, and steps that it divides are written. Devices of one run take equally long
 * for a step, or nearly: where one has twice the stride of another, both still have a step in common among
 * the last two that each has written.
 */
export class WriteStride {
  readonly #times: number[] = [];
  #lastAt: number | undefined;

  /** A step ended, by a clock in milliseconds. */
  finished(now: number): void {
    if (this.#lastAt !== undefined) this.#times.push(now - this.#lastAt);
    this.#lastAt = now;
    if (this.#times.length > REMEMBERED) this.#times.shift();
  }

  /** The device takes no part for a while: that is no step's time. */
  pause(): void {
    this.#lastAt = undefined;
  }

  /** Whether versions after so many steps are written. */
  writes(steps: number): boolean {
    return steps % this.#stride() === 0;
  }

  #stride(): number {
    if (this.#times.length < ENOUGH) return 1;
    const sorted = [...this.#times].sort((a, b) => a - b);
    const middle = sorted[sorted.length >> 1] ?? LEAST_MS;
    return 2 ** Math.max(0, Math.ceil(Math.log2(LEAST_MS / Math.max(1, middle))));
  }
}
