import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { Delegation } from '../../swarm/messages/bodies.ts';
import type { ModelReport, RoundRecord, Totals } from './events.ts';

/** Everything the page itself keeps in IndexedDB. Weights are not here: workers/storage keeps those. */
interface PageSchema extends DBSchema {
  /** One record under the name 'device'. */
  keys: { key: string; value: StoredKey };
  /** By [device address, round]. */
  rounds: { key: [string, number]; value: RoundRecord & { readonly device: string } };
  /** By device address. */
  totals: { key: string; value: Totals };
  /** By device address: how the model did when the device began. */
  beginnings: { key: string; value: ModelReport };
  /** By device address: the delegation that others check. */
  delegations: { key: string; value: Delegation };
}

export interface StoredKey {
  /** 32 bytes. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly backedUp: boolean;
}

export type PageDatabase = IDBPDatabase<PageSchema>;

/** Opens the page's database, making it on the first visit. Throws where the browser blocks storage. */
export function openPageDatabase(name = 'starling'): Promise<PageDatabase> {
  return openDB<PageSchema>(name, 1, {
    upgrade(database) {
      database.createObjectStore('keys');
      database.createObjectStore('rounds', { keyPath: ['device', 'round'] });
      database.createObjectStore('totals');
      database.createObjectStore('beginnings');
      database.createObjectStore('delegations');
    },
    // A later version of the page in another tab waits for this one to let go.
    blocking: (_current, _next, event) => (event.target as IDBDatabase | null)?.close(),
  });
}
