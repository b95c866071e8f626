import type { ClockReading, RoundClock } from '../protocol/ledger.ts';
import { readingAt, type Schedule } from './schedule.ts';

/** What the clock needs to know of a block. */
export interface BlockTime {
  readonly number: bigint;
  /** Unix time in seconds. */
  readonly timestamp: bigint;
}

export interface ChainClockOptions {
  readonly schedule: Schedule;
  /** Reads the newest block; rejects when the node is out of reach. */
  readonly latestBlock: (signal: AbortSignal) => Promise<BlockTime>;
  /** A local clock in ms that never goes back, such as performance.now. Its zero does not matter. */
  readonly now: () => number;
  /** Resolves after some ms, or at once when the signal fires. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Between two questions to the node, ms. Default 700: no divisor of a second, so that polls fall everywhere between blocks. */
  readonly pollMs?: number;
}

export interface ClockHealth {
  /** Whether the last question to the node was answered. */
  readonly reachable: boolean;
  /** Ms of local time since an answer. */
  readonly staleMs: number;
  readonly block: bigint;
}

/** How many new blocks the estimate of the offset looks back on; more resist delay, fewer follow a drifting local clock. */
const WINDOW = 32;

/**
 * Chain time from the newest block's, carried on by the local clock between blocks and while the node is out of reach.
 *
 * A block is always seen some time after its timestamp, so every sighting gives a chain time that is a little slow, and the
 * fastest of the last ones is nearest to the truth. Readings never go back.
 */
export class ChainClock implements RoundClock {
  readonly #options: ChainClockOptions;
  /** Chain ms minus local ms at the last sightings of new blocks. */
  readonly #offsets: number[] = [];
  readonly #listeners = new Set<(reachable: boolean) => void>();
  readonly #abort = new AbortController();
  #block = -1n;
  #answered = 0;
  #reachable = true;
  #latest = 0;
  #polling: Promise<void> = Promise.resolve();

  private constructor(options: ChainClockOptions) {
    this.#options = options;
  }

  /** Asks the node once, then follows it until `stop`. Rejects when that first question fails: a clock must be right once. */
  static async start(options: ChainClockOptions): Promise<ChainClock> {
    const clock = new ChainClock(options);
    clock.#see(await options.latestBlock(clock.#abort.signal));
    clock.#polling = clock.#poll();
    return clock;
  }

  read(): ClockReading {
    return readingAt(this.#options.schedule, this.chainMs());
  }

  /** Chain time now, ms since 1970. */
  chainMs(): number {
    const estimate = this.#options.now() + Math.max(...this.#offsets);
    this.#latest = Math.max(this.#latest, estimate);
    return this.#latest;
  }

  health(): ClockHealth {
    return {
      reachable: this.#reachable,
      staleMs: this.#options.now() - this.#answered,
      block: this.#block,
    };
  }

  /** Calls back when the node comes into or goes out of reach, and at once with how it is now. Returns how to stop that. */
  watchReach(listener: (reachable: boolean) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#reachable);
    return () => this.#listeners.delete(listener);
  }

  /** Stops asking the node. Readings go on by the local clock. */
  async stop(): Promise<void> {
    this.#abort.abort();
    this.#listeners.clear();
    await this.#polling;
  }

  async #poll(): Promise<void> {
    const { latestBlock, sleep, pollMs = 700 } = this.#options;
    const { signal } = this.#abort;
    while (true) {
      await sleep(pollMs, signal);
      if (signal.aborted) return;
      try {
        this.#see(await latestBlock(signal));
        this.#setReachable(true);
      } catch {
        if (signal.aborted) return;
        this.#setReachable(false);
      }
    }
  }

  #see(block: BlockTime): void {
    this.#answered = this.#options.now();
    // A chain may mine only when it has something to mine: an old block seen again says nothing about the time now.
    if (block.number === this.#block) return;
    this.#block = block.number;
    this.#offsets.push(Number(block.timestamp) * 1000 - this.#answered);
    if (this.#offsets.length > WINDOW) this.#offsets.shift();
  }

  #setReachable(reachable: boolean): void {
    if (reachable === this.#reachable) return;
    this.#reachable = reachable;
    for (const listener of this.#listeners) listener(reachable);
  }
}
