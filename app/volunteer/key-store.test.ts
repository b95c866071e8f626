import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { describe, expect, it } from 'vitest';
import { KeyStore } from './key-store.ts';
import { openPageDatabase, type PageDatabase } from './page-database.ts';

const secret = new Uint8Array(32).fill(9);

async function storeNamed(name: string) {
  const database = await openPageDatabase(name);
  return { database, store: new KeyStore(database) };
}

/** A database that stores no CryptoKey, as in private windows of some browsers. */
function withoutCryptoKeys(database: PageDatabase): PageDatabase {
  return new Proxy(database, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...request: unknown[]): unknown => {
        if (name === 'transaction' && request[0] === 'wrappingKeys')
          throw new DOMException('', 'DataCloneError');
        return Reflect.apply(member, target, request);
      };
    },
  });
}

/** Everything in the database, as text in which bytes are numbers. */
async function dump(database: PageDatabase): Promise<string> {
  const stores = ['keys', 'retiredKeys'] as const;
  const all = await Promise.all(stores.map((name) => database.getAll(name)));
  return JSON.stringify(all, (_key, value: unknown) => (value instanceof Uint8Array ? [...value] : value));
}

describe('key store', () => {
  it('makes a key once and keeps it', async () => {
    const { store } = await storeNamed('keeps');
    expect(await store.read()).toBeNull();
    const made = await store.readOrCreate(1_000);
    expect(made.secret).toHaveLength(32);
    expect(made).toMatchObject({ createdAt: 1_000, backedUp: false, encrypted: true });
    expect(await store.readOrCreate(2_000)).toEqual(made);
    expect(await (await storeNamed('keeps')).store.read()).toEqual(made);
  });

  it('gives two callers at once the same key', async () => {
    const { store } = await storeNamed('race');
    const other = (await storeNamed('race')).store;
    const [one, two] = await Promise.all([store.readOrCreate(1), other.readOrCreate(2)]);
    expect(one.secret).toEqual(two.secret);
  });

  it('stores no plain bytes, and a wrapping key that no script can read', async () => {
    const { store, database } = await storeNamed('wrapped');
    const made = await store.readOrCreate(1);
    expect(await dump(database)).not.toContain([...made.secret].join());
    const wrappingKey = await database.get('wrappingKeys', 'device');
    expect(wrappingKey?.extractable).toBe(false);
    await expect(crypto.subtle.exportKey('raw', wrappingKey as CryptoKey)).rejects.toThrow();
  });

  it('encrypts the plain key of an earlier version, and deletes the plain bytes', async () => {
    const earlier = await openDB('earlier', 1, {
      upgrade(database) {
        for (const name of ['keys', 'networks', 'totals', 'beginnings', 'delegations'])
          database.createObjectStore(name);
        database.createObjectStore('rounds', { keyPath: ['scope', 'round'] });
      },
    });
    await earlier.put('keys', { secret, createdAt: 5, backedUp: true }, 'device');
    await earlier.put('networks', { name: 'kept' }, 'last');
    earlier.close();
    const { store, database } = await storeNamed('earlier');
    expect(await dump(database)).toContain([...secret].join());
    const read = { secret, createdAt: 5, backedUp: true, encrypted: true };
    expect(await store.read()).toEqual(read);
    expect(await dump(database)).not.toContain([...secret].join());
    expect(await store.read()).toEqual(read);
    expect(await database.get('networks', 'last')).toEqual({ name: 'kept' });
  });

  it('is encrypted once when two tabs find the plain key', async () => {
    const { store, database } = await storeNamed('two-tabs');
    await database.put('keys', { secret, createdAt: 5, backedUp: false }, 'device');
    const other = (await storeNamed('two-tabs')).store;
    const both = await Promise.all([store.read(), other.read()]);
    for (const key of both) expect(key).toMatchObject({ secret, encrypted: true });
    expect(await store.read()).toMatchObject({ secret, encrypted: true });
  });

  it('keeps the key plain, and says so, where no wrapping key can be stored', async () => {
    const { database } = await storeNamed('private-window');
    const store = new KeyStore(withoutCryptoKeys(database));
    const made = await store.readOrCreate(1);
    expect(made.encrypted).toBe(false);
    expect(await store.read()).toEqual(made);
    // The same profile, once it can be done.
    expect(await new KeyStore(database).read()).toEqual({ ...made, encrypted: true });
  });

  it('loses no plain key where it cannot be encrypted', async () => {
    const { database } = await storeNamed('stays-plain');
    await database.put('keys', { secret, createdAt: 5, backedUp: false }, 'device');
    const store = new KeyStore(withoutCryptoKeys(database));
    expect(await store.read()).toEqual({ secret, createdAt: 5, backedUp: false, encrypted: false });
  });

  it('says what to do when what it stored was changed', async () => {
    const { store, database } = await storeNamed('damaged');
    await store.readOrCreate(1);
    const wrapped = { nonce: new Uint8Array(12), ciphertext: new Uint8Array(48) };
    await database.put('keys', { wrapped, createdAt: 1, backedUp: false }, 'device');
    await expect(store.read()).rejects.toThrow(/damaged. Restore it from its backup/);
  });

  it('replaces a key on restore, which counts as backed up, and keeps the one before', async () => {
    const { store, database } = await storeNamed('restore');
    const before = await store.readOrCreate(1);
    const restored = { secret, createdAt: 5, backedUp: true, encrypted: true };
    expect(await store.replace(secret, 5)).toEqual(restored);
    expect(await store.read()).toEqual(restored);
    const [address] = await store.retired();
    expect(address === undefined ? null : await store.readRetired(address)).toEqual(before);
    expect(await dump(database)).not.toContain([...before.secret].join());
    // Back to the first: it is no longer among the earlier ones, and the second is.
    await store.replace(before.secret, before.createdAt);
    expect(await store.retired()).toHaveLength(1);
    expect(await store.retired()).not.toContain(address);
  });

  it('makes a new key, and keeps the one before', async () => {
    const { store } = await storeNamed('rotate');
    const before = await store.readOrCreate(1);
    const after = await store.rotate(7);
    expect(after).toMatchObject({ createdAt: 7, backedUp: false, encrypted: true });
    expect(after.secret).not.toEqual(before.secret);
    const [address] = await store.retired();
    if (address === undefined) throw new Error('The key before is gone.');
    expect(await store.readRetired(address)).toEqual(before);
    expect(await store.readRetired(`0x${'00'.repeat(20)}`)).toBeNull();
    expect(await store.read()).toEqual(after);
  });

  it('remembers that a copy was saved', async () => {
    const { store } = await storeNamed('backup');
    await store.markBackedUp();
    expect(await store.read()).toBeNull();
    await store.readOrCreate(1);
    await store.markBackedUp();
    expect((await store.read())?.backedUp).toBe(true);
  });
});
