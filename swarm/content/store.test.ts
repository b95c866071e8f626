import { describe, expect, it } from 'vitest';
import { describeContentStoreContract } from '../testing/content-store-contract.ts';
import { MemoryStore } from './store.ts';

describeContentStoreContract('MemoryStore', async () => ({
  store: new MemoryStore(),
  stop: async () => {},
}));

describe('MemoryStore', () => {
  it('forgets the least recently used when its memory is full', async () => {
    const store = new MemoryStore(10);
    await store.putObject('a', new Uint8Array(4));
    await store.putObject('b', new Uint8Array(4));
    await store.object('a');
    await store.putObject('c', new Uint8Array(4));
    expect(await store.object('b')).toBeNull();
    expect(await store.object('a')).not.toBeNull();
    expect(await store.object('c')).not.toBeNull();
  });

  it('[CS-06] keeps the four CIDs pinned last, however much of others comes', async () => {
    const store = new MemoryStore(10);
    const own = ['a', 'b', 'c', 'd', 'e'];
    for (const cid of own) {
      await store.pin(cid);
      await store.putObject(cid, new Uint8Array(2));
    }
    for (let n = 0; n < 100; n++) await store.putObject(`foreign ${n}`, new Uint8Array(2));
    const kept = await Promise.all(own.map((cid) => store.object(cid)));
    expect(kept.map((bytes) => bytes !== null)).toEqual([false, true, true, true, true]);
    // What would need a pinned place is not kept at all.
    await store.putObject('large', new Uint8Array(3));
    expect(await store.object('large')).toBeNull();
    expect(await store.object('b')).not.toBeNull();
  });

  it('[CS-06] keeps the last two even when they alone fill it, and then no older ones', async () => {
    const store = new MemoryStore(10);
    for (const cid of ['a', 'b', 'c', 'd']) {
      await store.pin(cid);
      await store.putObject(cid, new Uint8Array(8));
    }
    const kept = await Promise.all(['a', 'b', 'c', 'd'].map((cid) => store.object(cid)));
    expect(kept.map((bytes) => bytes !== null)).toEqual([false, false, true, true]);
  });
});
