import { openDB } from 'idb';
import type { VerdictStore } from '../compute/conformance/verdict-store.ts';

const DATABASE = 'starling-conformance';
const VERDICTS = 'verdicts';
/** Most verdicts kept. Verdicts for old drivers and browsers are never read again. */
const MAX_VERDICTS = 32;

/** Conformance verdicts in IndexedDB. Callers treat a failure like an empty store. */
export function verdictDatabase(): VerdictStore {
  const database = openDB(DATABASE, 1, {
    upgrade(fresh) {
      fresh.createObjectStore(VERDICTS);
    },
  });
  // Every use reports a failure to open. Without any use, the rejection must not count as unhandled.
  database.catch(() => undefined);
  return {
    async get(key) {
      const value: unknown = await (await database).get(VERDICTS, key);
      return typeof value === 'string' ? value : undefined;
    },
    async set(key, value) {
      const opened = await database;
      if ((await opened.count(VERDICTS)) >= MAX_VERDICTS) await opened.clear(VERDICTS);
      await opened.put(VERDICTS, value, key);
    },
  };
}
