import { openDB } from 'idb';
import type { VerdictStore } from '../compute/conformance/verdict-store.ts';

const DATABASE = 'starling-conformance';
const VERDICTS = 'verdicts';
/** Old drivers' and browsers' verdicts are never asked for again. */
const MOST_KEPT = 32;

/** Conformance verdicts in IndexedDB. Whoever uses it takes a failure for an empty store. */
export function verdictDatabase(): VerdictStore {
  const database = openDB(DATABASE, 1, {
    upgrade(fresh) {
      fresh.createObjectStore(VERDICTS);
    },
  });
  // Each use reports it; without a use nobody would.
  database.catch(() => undefined);
  return {
    async get(key) {
      const value: unknown = await (await database).get(VERDICTS, key);
      return typeof value === 'string' ? value : undefined;
    },
    async set(key, value) {
      const opened = await database;
      if ((await opened.count(VERDICTS)) >= MOST_KEPT) await opened.clear(VERDICTS);
      await opened.put(VERDICTS, value, key);
    },
  };
}
