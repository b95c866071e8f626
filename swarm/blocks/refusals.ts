import { messageOf } from '../../protocol/message-of.ts';
import { BlockStoreFullError } from './block-files.ts';

/** A block that this device does not keep for now. */
export interface Refusal {
  readonly block: string;
  readonly reason: 'full' | 'damaged';
  /** In words, with what to do. */
  readonly problem: string;
}

interface Entry extends Refusal {
  /** Failures without a success since. */
  readonly failures: number;
  readonly until: number;
}

/** After the first failure. Others free their room within seconds, where a run writes many versions. */
const FIRST_MS = 30_000;
const MOST_MS = 600_000;

/**
 * Blocks that could not be written here. Each is refused for a while, and for twice as long after each
 * further failure in a row: a disk that stays full is not written to in vain all day.
 */
export class Refusals {
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();

  /** `now` is a local time in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** A block could not be written. */
  failed(block: string, error: unknown): void {
    const failures = (this.#entries.get(block)?.failures ?? 0) + 1;
    const length = Math.min(MOST_MS, FIRST_MS * 2 ** (failures - 1));
    const reason = error instanceof BlockStoreFullError ? 'full' : 'damaged';
    this.#entries.set(block, {
      ...{ block, reason, problem: messageOf(error), failures },
      until: this.#now() + length,
    });
  }

  /** A block was written. */
  succeeded(block: string): void {
    this.#entries.delete(block);
  }

  /** Those of now, by block. */
  current(): readonly Refusal[] {
    return [...this.#entries.values()]
      .filter(({ until }) => until > this.#now())
      .sort((a, b) => (a.block < b.block ? -1 : 1));
  }
}
