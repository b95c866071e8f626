import type { DeviceAddress } from '../protocol/hex.ts';
import type { Signed } from '../protocol/ledger.ts';

/** What waits: one statement for each device and round. */
export interface RoundStatement {
  readonly round: number;
}

export type Queued = 'queued' | 'duplicate' | 'full';

/**
 * Signed statements waiting for the chain, oldest round first, one for each device and round. A full queue
 * takes nothing more (the newest is dropped): what waits is verified already, and whoever sent the newest
 * still has it.
 */
export class StatementQueue<T extends RoundStatement> {
  readonly #entries = new Map<string, Signed<T>>();
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

  add(signed: Signed<T>): Queued {
    const key = keyOf(signed.device, signed.value.round);
    if (this.#entries.has(key)) return 'duplicate';
    if (this.#entries.size >= this.#limit) return 'full';
    this.#entries.set(key, signed);
    return 'queued';
  }

  remove(device: DeviceAddress, round: number): Signed<T> | undefined {
    const key = keyOf(device, round);
    const found = this.#entries.get(key);
    this.#entries.delete(key);
    return found;
  }

  /** Everything waiting, lowest round first: a device's rounds must reach the chain in order. */
  waiting(): readonly Signed<T>[] {
    return [...this.#entries.values()].sort((a, b) => a.value.round - b.value.round);
  }
}

function keyOf(device: DeviceAddress, round: number): string {
  return `${device.toLowerCase()} ${round}`;
}
