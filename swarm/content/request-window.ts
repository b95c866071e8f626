/** Requests in flight at first, and at least. A peer reads as many chunks of a file together. */
export const FEW = 4;
/** Requests in flight at most: 4 MiB of chunks. */
export const MANY = 16;
/** A response that came within this time makes the window larger, in ms. */
const SOON_MS = 1_000;
/** A response that took longer makes it smaller, in ms. */
const LATE_MS = 3_000;

/**
 * The requests in flight to one peer. A fast peer, or one far away, is asked for more at a time, so that it
 * never waits for a request; a slow one for few, so that its chunks do not wait while others are idle. WebRTC
 * streams do not slow the sender, so the window is also what limits the bytes that are buffered here.
 */
export class RequestWindow {
  readonly #now: () => number;
  /** Local time of each request, ms, by its index. */
  readonly #asked = new Map<number, number>();
  #size = FEW;

  /** `now` is in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Requests that may be sent now. */
  get room(): number {
    return this.#size - this.#asked.size;
  }

  /** The indices that were asked for and not answered. */
  get unanswered(): readonly number[] {
    return [...this.#asked.keys()];
  }

  ask(index: number): void {
    this.#asked.set(index, this.#now());
  }

  /** Whether the response is to a request in flight, which it ends. */
  answer(index: number): boolean {
    const asked = this.#asked.get(index);
    if (asked === undefined) return false;
    this.#asked.delete(index);
    const took = this.#now() - asked;
    if (took <= SOON_MS) this.#size = Math.min(MANY, this.#size + 1);
    else if (took > LATE_MS) this.#size = Math.max(FEW, this.#size - 1);
    return true;
  }
}
