import type { DeviceAddress } from '../protocol/hex.ts';
import type { Signed } from '../protocol/ledger.ts';

/** What waits: one statement for each device and round. */
export interface RoundStatement {
  readonly round: number;
}

export type Queued = 'queued' | 'duplicate' | 'full';

/** A signed statement with its place in the order. */
export interface Entry<T extends RoundStatement> {
  readonly signed: Signed<T>;
  /** 0 is served first. */
  readonly rank: number;
  /** Whoever the place is counted for. */
  readonly account: string;
}

/**
 * Signed statements waiting for the chain, one for each device and round. A full queue gives up its newest
 * statement of the lowest rank for one of a higher rank. Otherwise it takes nothing more: what waits is
 * verified already, and whoever sent the newest still has it. One account has at most a sixteenth of the
 * places.
 */
export class StatementQueue<T extends RoundStatement> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  has(device: DeviceAddress, round: number): boolean {
    return this.#entries.has(keyOf(device, round));
  }

  add(entry: Entry<T>): Queued {
    const key = keyOf(entry.signed.device, entry.signed.value.round);
    if (this.#entries.has(key)) return 'duplicate';
    let own = 0;
    let last: string | undefined;
    let lowest = entry.rank;
    for (const [other, { account, rank }] of this.#entries) {
      if (account === entry.account) own++;
      // At the same rank a later entry, which stands later in the map, goes first.
      if (rank > entry.rank && rank >= lowest) [last, lowest] = [other, rank];
    }
    if (own >= Math.max(1, this.#limit / 16)) return 'full';
    if (this.#entries.size >= this.#limit) {
      if (last === undefined) return 'full';
      this.#entries.delete(last);
    }
    this.#entries.set(key, entry);
    return 'queued';
  }

  remove(device: DeviceAddress, round: number): Entry<T> | undefined {
    const key = keyOf(device, round);
    const found = this.#entries.get(key);
    this.#entries.delete(key);
    return found;
  }

  /**
   * Everything waiting, first rank first, and within it the lowest round first: a device's rounds must reach
   * the chain in order.
   */
  waiting(): readonly Entry<T>[] {
    return [...this.#entries.values()].sort(
      (a, b) => a.rank - b.rank || a.signed.value.round - b.signed.value.round,
    );
  }
}

function keyOf(device: DeviceAddress, round: number): string {
  return `${device.toLowerCase()} ${round}`;
}
