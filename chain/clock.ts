import type { ClockReading, RoundClock } from '../protocol/ledger.ts';
import { ChainError } from './errors.ts';
import { readingAt, type Schedule } from './schedule.ts';

/** What the clock needs to know of a block. */
export interface BlockTime {
  readonly number: bigint;
  /** Unix time in seconds. */
  readonly timestamp: bigint;
}

export interface ChainClockOptions {
  readonly schedule: Schedule;
  /** Reads the newest block. Rejects if the node is out of reach. */
  readonly latestBlock: (signal: AbortSignal) => Promise<BlockTime>;
  /** A local clock in ms that never goes back, such as `performance.now`. It may start anywhere. */
  readonly now: () => number;
  /** Resolves after some ms, or at once when the signal fires. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /**
   * Time between two requests, in ms. Defaults to 700, which does not divide a second: polls fall everywhere
   * between blocks.
   */
  readonly pollMs?: number;
  /**
   * Asks whether this is still the chain that the schedule is of. Called when blocks are behind one seen
   * before, and when the node comes back. Rejects with ChainError `wrong-network` when another chain stands
   * behind the address. Defaults to no question.
   */
  readonly confirm?: (signal: AbortSignal) => Promise<void>;
}

export interface ClockHealth {
  /** Whether the node answered the last request. */
  readonly reachable: boolean;
  /** Local time since the last answer, in ms. */
  readonly staleMs: number;
  readonly block: bigint;
}

/**
 * How many sightings of new blocks the estimate uses. More resist delays, fewer follow a drifting local
 * clock.
 */
const WINDOW = 32;

/**
 * Chain time. It comes from the timestamps of new blocks, and the local clock carries it on between blocks
 * and while the node is out of reach.
 *
 * A block is always seen some time after its timestamp, so every sighting gives a time that is a little slow.
 * The fastest of the last sightings is nearest to the truth. Readings never go back.
 */
export class ChainClock implements RoundClock {
  readonly #options: ChainClockOptions;
  /** Chain time minus local time at the last sightings of new blocks, in ms. */
  readonly #offsets: number[] = [];
  readonly #listeners = new Set<(reachable: boolean) => void>();
  readonly #replacedListeners = new Set<(error: ChainError | undefined) => void>();
  readonly #abort = new AbortController();
  #block = -1n;
  #answered = 0;
  #reachable = true;
  #replaced: ChainError | undefined;
  #latest = 0;
  #polling: Promise<void> = Promise.resolve();

  private constructor(options: ChainClockOptions) {
    this.#options = options;
  }

  /**
   * Asks the node once, then follows it until `stop`. Rejects if the first request fails: a clock needs one
   * sighting.
   */
  static async start(options: ChainClockOptions): Promise<ChainClock> {
    const clock = new ChainClock(options);
    clock.#see(await options.latestBlock(clock.#abort.signal));
    clock.#polling = clock.#poll();
    return clock;
  }

  read(): ClockReading {
    return readingAt(this.#options.schedule, this.chainMs());
  }

  /** The chain's time now, in ms since 1970. */
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

  /**
   * Calls back when the node comes into reach or goes out of it, and at once with how it is now. The result
   * ends that.
   */
  watchReach(listener: (reachable: boolean) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#reachable);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Calls back with the error when another chain stands behind the node's address, with undefined when the
   * own one is back, and at once where it is so now. Meanwhile the node counts as out of reach and its blocks
   * do not count. The result ends that.
   */
  watchReplaced(listener: (error: ChainError | undefined) => void): () => void {
    this.#replacedListeners.add(listener);
    if (this.#replaced !== undefined) listener(this.#replaced);
    return () => this.#replacedListeners.delete(listener);
  }

  /** Stops asking the node. The local clock still carries readings on. */
  async stop(): Promise<void> {
    this.#abort.abort();
    this.#listeners.clear();
    this.#replacedListeners.clear();
    await this.#polling;
  }

  async #poll(): Promise<void> {
    const { latestBlock, sleep, pollMs = 700 } = this.#options;
    const { signal } = this.#abort;
    while (true) {
      await sleep(pollMs, signal);
      if (signal.aborted) return;
      try {
        const block = await latestBlock(signal);
        const doubtful = block.number < this.#block || !this.#reachable;
        if (doubtful) await this.#options.confirm?.(signal);
        this.#see(block);
        this.#setReplaced(undefined);
        this.#setReachable(true);
      } catch (error) {
        if (signal.aborted) return;
        this.#setReachable(false);
        if (error instanceof ChainError && error.code === 'wrong-network') this.#setReplaced(error);
      }
    }
  }

  #see(block: BlockTime): void {
    this.#answered = this.#options.now();
    // Some chains mine only when there is a transaction. A block that was seen before says nothing about the
    // time now.
    if (block.number === this.#block) return;
    this.#block = block.number;
    this.#offsets.push(Number(block.timestamp) * 1000 - this.#answered);
    if (this.#offsets.length > WINDOW) this.#offsets.shift();
  }

  #setReplaced(error: ChainError | undefined): void {
    const changed = (error === undefined) !== (this.#replaced === undefined);
    this.#replaced = error;
    if (changed) for (const listener of this.#replacedListeners) listener(error);
  }

  #setReachable(reachable: boolean): void {
    if (reachable === this.#reachable) return;
    this.#reachable = reachable;
    for (const listener of this.#listeners) listener(reachable);
  }
}
