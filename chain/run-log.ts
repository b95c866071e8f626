import type { Hex } from 'viem';
import { SerialQueue } from '../protocol/serial-queue.ts';
import { type BlockRange, blockRanges } from './logs.ts';

export interface RunLogOptions<Entry> {
  readonly blockNumber: () => Promise<bigint>;
  /** What some blocks say of a run, oldest first. */
  readonly ask: (run: Hex, range: BlockRange) => Promise<readonly Entry[]>;
  /** Entries of one run with the same key are one entry. */
  readonly keyOf: (entry: Entry) => string;
  /** No further blocks are read of a run that has so many entries. Defaults to 4,096. */
  readonly mostEntries?: number;
}

export interface RunEntries<Entry> {
  readonly entries: readonly Entry[];
  /** Whether there are blocks that were not read, because too many entries are kept. */
  readonly hasMore: boolean;
}

interface KeptRun<Entry> {
  /** One reading of a run after the other. */
  readonly reads: SerialQueue;
  readonly entries: Map<string, Entry>;
  next: bigint;
}

/** Runs whose entries are kept. A run that was pushed out is read again when it is asked for. */
const KEPT_RUNS = 1024;
/** Blocks read again each time, so that a reorganisation hides nothing. */
const REREAD = 64n;

/**
 * What a contract's log says of runs. It reads each block once for a run, so that asking again costs the new
 * blocks only. Anybody can add to such a log: what is kept of a run is bounded, and the reading goes on once
 * the caller is done with some entries.
 */
export class RunLog<Entry> {
  readonly #options: RunLogOptions<Entry>;
  readonly #kept = new Map<Hex, KeptRun<Entry>>();

  constructor(options: RunLogOptions<Entry>) {
    this.#options = options;
  }

  /**
   * Entries of a run, oldest first. Where there are more than may be kept, those for which `isDone` says so
   * make room, and the others are read later. Rejects as `ask` does.
   */
  of(run: Hex, isDone: (entry: Entry) => boolean = () => false): Promise<RunEntries<Entry>> {
    const kept = this.#kept.get(run) ?? { reads: new SerialQueue(), entries: new Map(), next: 0n };
    this.#kept.delete(run);
    this.#kept.set(run, kept);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT_RUNS) break;
      this.#kept.delete(oldest);
    }
    return kept.reads.run(() => this.#read(run, kept, isDone));
  }

  async #read(run: Hex, kept: KeptRun<Entry>, isDone: (entry: Entry) => boolean): Promise<RunEntries<Entry>> {
    const { blockNumber, ask, keyOf, mostEntries = 4096 } = this.#options;
    const last = await blockNumber();
    for (const range of blockRanges(kept.next, last)) {
      if (kept.entries.size >= mostEntries) {
        for (const [key, entry] of kept.entries) if (isDone(entry)) kept.entries.delete(key);
      }
      if (kept.entries.size >= mostEntries) return { entries: [...kept.entries.values()], hasMore: true };
      for (const entry of await ask(run, range)) {
        const key = keyOf(entry);
        if (!kept.entries.has(key)) kept.entries.set(key, entry);
      }
      kept.next = range.toBlock + 1n;
    }
    kept.next = last > REREAD ? last - REREAD : 0n;
    return { entries: [...kept.entries.values()], hasMore: false };
  }
}
