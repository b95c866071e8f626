import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { Network } from '../../protocol/network-file.ts';
import type { ModelReport, RoundRecord, Totals } from './volunteer-events.ts';
import type { SignedDelegation } from './volunteer-port.ts';

/** Everything that the page itself keeps in IndexedDB. models/storage keeps the weights. */
interface PageSchema extends DBSchema {
  /** One record under the name 'device'. */
  keys: { key: string; value: StoredKey };
  /** One record under the name 'last': the network of the last visit, for visits without a connection. */
  networks: { key: string; value: Network };
  // The stores below are keyed by scope, which is network and device (device-records.ts).
  rounds: { key: [string, number]; value: RoundRecord & { readonly scope: string } };
  totals: { key: string; value: Totals };
  beginnings: { key: string; value: ModelReport };
  delegations: { key: string; value: SignedDelegation };
}

export interface StoredKey {
  /** 32 bytes. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly backedUp: boolean;
}

export type PageDatabase = IDBPDatabase<PageSchema>;

/** Opens the page's database, which the first visit creates. Throws where the browser blocks storage. */
export function openPageDatabase(name = 'starling'): Promise<PageDatabase> {
  return openDB<PageSchema>(name, 1, {
    upgrade(database) {
      database.createObjectStore('keys');
      database.createObjectStore('networks');
      database.createObjectStore('rounds', { keyPath: ['scope', 'round'] });
      database.createObjectStore('totals');
      database.createObjectStore('beginnings');
      database.createObjectStore('delegations');
    },
    // A later version of the page in another tab waits until this tab closes the database.
    blocking: (_current, _next, event) => (event.target as IDBDatabase | null)?.close(),
  });
}
