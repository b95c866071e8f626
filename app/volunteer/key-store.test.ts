import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import { KeyStore } from './key-store.ts';
import { openPageDatabase } from './page-database.ts';

async function emptyStore(name: string) {
  return new KeyStore(await openPageDatabase(name));
}

describe('key store', () => {
  it('makes a key once and keeps it', async () => {
    const store = await emptyStore('keeps');
    expect(await store.read()).toBeNull();
    const made = await store.readOrCreate(1_000);
    expect(made.secret).toHaveLength(32);
    expect(made).toMatchObject({ createdAt: 1_000, backedUp: false });
    expect(await store.readOrCreate(2_000)).toEqual(made);
    expect(await (await emptyStore('keeps')).read()).toEqual(made);
  });

  it('gives two callers at once the same key', async () => {
    const store = await emptyStore('race');
    const [one, two] = await Promise.all([store.readOrCreate(1), store.readOrCreate(2)]);
    expect(one.secret).toEqual(two.secret);
  });

  it('replaces a key on restore, which counts as backed up', async () => {
    const store = await emptyStore('restore');
    await store.readOrCreate(1);
    await store.replace(new Uint8Array(32).fill(9), 5);
    expect(await store.read()).toEqual({ secret: new Uint8Array(32).fill(9), createdAt: 5, backedUp: true });
  });

  it('remembers that a copy was saved', async () => {
    const store = await emptyStore('backup');
    await store.markBackedUp();
    expect(await store.read()).toBeNull();
    await store.readOrCreate(1);
    await store.markBackedUp();
    expect((await store.read())?.backedUp).toBe(true);
  });
});
