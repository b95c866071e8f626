import { must } from '../../protocol/must.ts';
import type { Scheduler } from '../scheduler.ts';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  isWaiting: boolean;
}

/** Time that passes only in `advance`. Timers lie in a binary heap, because a large swarm sets millions. */
export class SimulatedScheduler implements Scheduler {
  #now = 0;
  #order = 0;
  #pending = 0;
  readonly #heap: Timer[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), order: this.#order++, run, isWaiting: true };
    this.#push(timer);
    this.#pending++;
    return () => {
      if (!timer.isWaiting) return;
      timer.isWaiting = false;
      this.#pending--;
    };
  }

  /** Timers not yet run or cancelled. */
  get pending(): number {
    return this.#pending;
  }

  /** Runs every timer due within `ms` milliseconds, in order, and all promises that follow from each. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settled();
    for (let next = this.#heap[0]; next !== undefined && next.at <= end; next = this.#heap[0]) {
      this.#pop();
      if (!next.isWaiting) continue;
      next.isWaiting = false;
      this.#pending--;
      this.#now = next.at;
      next.run();
      await settled();
    }
    this.#now = end;
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let index = heap.push(timer) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = must(heap, parent);
      if (isBefore(above, timer)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = timer;
  }

  /** Takes the first timer out. */
  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(must(heap, child + 1), must(heap, child))) child++;
      const below = must(heap, child);
      if (isBefore(last, below)) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = last;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Resolves after a turn of the event loop, when the continuations of all settled promises have run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
