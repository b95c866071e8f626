import type { PageDatabase } from './page-database.ts';
import type { ModelReport, RoundRecord, Totals } from './volunteer-events.ts';
import type { SignedDelegation } from './volunteer-port.ts';

const NONE: Totals = { computed: 0, sent: 0, accepted: 0, onChain: 0 };

/** What the page keeps of one device in one network. */
export interface KeptRecords {
  /** The latest rounds, oldest first. */
  readonly records: readonly RoundRecord[];
  /** Counted over all rounds, those that are not among `records` included. */
  readonly totals: Totals;
  /** How the model did before the first round. */
  readonly beginning: ModelReport | null;
  readonly delegation: SignedDelegation | null;
}

/**
 * The stored records of one device in one network. They outlive the tab. Each network counts its rounds from
 * its own start, so each has records of its own, and so has each device key. Totals are stored apart, so that
 * old rounds may be deleted.
 */
export class DeviceRecords {
  readonly #database: PageDatabase;
  readonly #scope: string;

  /** `networkId` is as in swarm/network-id.ts, `device` is the address of the device key. */
  constructor(database: PageDatabase, networkId: string, device: string) {
    this.#database = database;
    this.#scope = `${networkId}/${device}`;
  }

  /** Reads everything that is stored, with the latest `limit` rounds. */
  async load(limit: number): Promise<KeptRecords> {
    const transaction = this.#database.transaction(['rounds', 'totals', 'beginnings', 'delegations']);
    const mine = IDBKeyRange.bound([this.#scope, 0], [this.#scope, Number.MAX_SAFE_INTEGER]);
    const records: RoundRecord[] = [];
    let cursor = await transaction.objectStore('rounds').openCursor(mine, 'prev');
    while (cursor !== null && records.length < limit) {
      const { scope: _scope, ...record } = cursor.value;
      records.push(record);
      cursor = await cursor.continue();
    }
    const [totals, beginning, delegation] = await Promise.all([
      transaction.objectStore('totals').get(this.#scope),
      transaction.objectStore('beginnings').get(this.#scope),
      transaction.objectStore('delegations').get(this.#scope),
      transaction.done,
    ]);
    return {
      records: records.reverse(),
      totals: totals ?? NONE,
      beginning: beginning ?? null,
      // An earlier version of the page stored delegations of contracts that are gone, without a nonce.
      delegation: delegation?.nonce === undefined ? null : delegation,
    };
  }

  /** Stores a round's record and the totals after it, both or neither. */
  async saveRound(record: RoundRecord, totals: Totals): Promise<void> {
    const transaction = this.#database.transaction(['rounds', 'totals'], 'readwrite');
    await Promise.all([
      transaction.objectStore('rounds').put({ ...record, scope: this.#scope }),
      transaction.objectStore('totals').put(totals, this.#scope),
      transaction.done,
    ]);
  }

  async saveBeginning(report: ModelReport): Promise<void> {
    await this.#database.put('beginnings', report, this.#scope);
  }

  async saveDelegation(delegation: SignedDelegation): Promise<void> {
    await this.#database.put('delegations', delegation, this.#scope);
  }
}
