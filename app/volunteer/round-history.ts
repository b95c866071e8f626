import type { RoundRecord, Totals } from './events.ts';
import type { PageDatabase } from './page-database.ts';

const NONE: Totals = { computed: 0, sent: 0, accepted: 0, onChain: 0 };

/** What this device has done, round by round; it outlives the tab. Counts are kept apart so that old rounds may go. */
export class RoundHistory {
  readonly #database: PageDatabase;
  readonly #device: string;

  /** `device` is the device key's address: another key has another history. */
  constructor(database: PageDatabase, device: string) {
    this.#database = database;
    this.#device = device;
  }

  /** The latest `limit` rounds, oldest first, and the totals of all. */
  async load(limit: number): Promise<{ readonly records: readonly RoundRecord[]; readonly totals: Totals }> {
    const transaction = this.#database.transaction(['rounds', 'totals']);
    const mine = IDBKeyRange.bound([this.#device, 0], [this.#device, Number.MAX_SAFE_INTEGER]);
    const records: RoundRecord[] = [];
    let cursor = await transaction.objectStore('rounds').openCursor(mine, 'prev');
    while (cursor !== null && records.length < limit) {
      const { device: _device, ...record } = cursor.value;
      records.push(record);
      cursor = await cursor.continue();
    }
    const totals = (await transaction.objectStore('totals').get(this.#device)) ?? NONE;
    await transaction.done;
    return { records: records.reverse(), totals };
  }

  /** Stores a round's record and the totals after it, both or neither. */
  async save(record: RoundRecord, totals: Totals): Promise<void> {
    const transaction = this.#database.transaction(['rounds', 'totals'], 'readwrite');
    await Promise.all([
      transaction.objectStore('rounds').put({ ...record, device: this.#device }),
      transaction.objectStore('totals').put(totals, this.#device),
      transaction.done,
    ]);
  }
}
