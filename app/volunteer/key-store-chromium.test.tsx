import { openDB } from 'idb';
import { describe, expect, it } from 'vitest';
import { KeyStore } from './key-store.ts';
import { openPageDatabase } from './page-database.ts';

const secret = new Uint8Array(32).fill(9);

/** Everything that another script of this origin can read of the keys, as numbers. */
async function readAsStranger(name: string): Promise<string> {
  const database = await openDB(name);
  const stores = [...database.objectStoreNames].filter((store) => /key/i.test(store));
  const all = await Promise.all(stores.map((store) => database.getAll(store)));
  database.close();
  return JSON.stringify(all, (_key, value: unknown) => (value instanceof Uint8Array ? [...value] : value));
}

describe('key store in Chromium', () => {
  it('keeps the key across visits, and no script reads its bytes from the database', async () => {
    const name = `keys-${crypto.randomUUID()}`;
    const first = await openPageDatabase(name);
    const made = await new KeyStore(first).readOrCreate(1);
    first.close();
    expect(made.encrypted).toBe(true);
    expect(await readAsStranger(name)).not.toContain([...made.secret].join());
    const second = await openPageDatabase(name);
    expect(await new KeyStore(second).read()).toEqual(made);
    const wrappingKey = await second.get('wrappingKeys', 'device');
    if (wrappingKey === undefined) throw new Error('There is no wrapping key.');
    expect(wrappingKey.extractable).toBe(false);
    await expect(crypto.subtle.exportKey('raw', wrappingKey)).rejects.toThrow();
    second.close();
  });

  it('encrypts the plain key that an earlier version stored', async () => {
    const name = `keys-${crypto.randomUUID()}`;
    const earlier = await openDB(name, 1, {
      upgrade(database) {
        for (const store of ['keys', 'networks', 'totals', 'beginnings', 'delegations'])
          database.createObjectStore(store);
        database.createObjectStore('rounds', { keyPath: ['scope', 'round'] });
      },
    });
    await earlier.put('keys', { secret, createdAt: 5, backedUp: true }, 'device');
    earlier.close();
    expect(await readAsStranger(name)).toContain([...secret].join());
    const database = await openPageDatabase(name);
    expect(await new KeyStore(database).read()).toMatchObject({ secret, createdAt: 5, encrypted: true });
    database.close();
    expect(await readAsStranger(name)).not.toContain([...secret].join());
  });
});
