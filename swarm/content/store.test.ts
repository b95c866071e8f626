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
});
