import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { Network } from '../../protocol/network-file.ts';
import type { WrappedSecret } from './key-wrapping.ts';
import type { ModelReport, RoundRecord, Totals } from './volunteer-events.ts';
import type { SignedDelegation } from './volunteer-port.ts';

/** Everything that the page itself keeps in IndexedDB. models/storage keeps the weights. */
interface PageSchema extends DBSchema {
  /** One record under the name 'device'. */
  keys: { key: string; value: KeyRecord };
  /** Keys that were replaced, by their device's address. */
  retiredKeys: { key: string; value: KeyRecord };
  /** The key that encrypts the secrets of both, under the name 'device'. Its bytes cannot be read. */
  wrappingKeys: { key: string; value: CryptoKey };
  /** One record under the name 'last': the network of the last visit, for visits without a connection. */
  networks: { key: string; value: Network };
  // The stores below are keyed by scope, which is network and device (device-records.ts).
  rounds: { key: [string, number]; value: RoundRecord & { readonly scope: string } };
  totals: { key: string; value: Totals };
  beginnings: { key: string; value: ModelReport };
  delegations: { key: string; value: SignedDelegation };
  /** Data sets of swarms, by their SHA-256. `at` is when one was stored, in Unix milliseconds. */
  files: { key: string; value: { readonly bytes: Uint8Array; readonly at: number } };
}

/**
 * A device key as it lies here: encrypted, or as plain bytes where the browser keeps no wrapping key. Earlier
 * versions of the page stored plain bytes only.
 */
export type KeyRecord = (
  | { readonly wrapped: WrappedSecret }
  /** 32 bytes. */
  | { readonly secret: Uint8Array<ArrayBuffer> }
) & {
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly backedUp: boolean;
};

export type PageDatabase = IDBPDatabase<PageSchema>;

/** Opens the page's database, which the first visit creates. Throws where the browser blocks storage. */
export function openPageDatabase(name = 'starling'): Promise<PageDatabase> {
  return openDB<PageSchema>(name, 3, {
    upgrade(database, version) {
      if (version < 1) {
        database.createObjectStore('keys');
        database.createObjectStore('networks');
        database.createObjectStore('rounds', { keyPath: ['scope', 'round'] });
        database.createObjectStore('totals');
        database.createObjectStore('beginnings');
        database.createObjectStore('delegations');
      }
      if (version < 2) {
        database.createObjectStore('retiredKeys');
        database.createObjectStore('wrappingKeys');
      }
      if (version < 3) database.createObjectStore('files');
    },
    // A later version of the page in another tab waits until this tab closes the database.
    blocking: (_current, _next, event) => (event.target as IDBDatabase | null)?.close(),
  });
}
