import { expect, it } from 'vitest';
import { equalBytes } from '../../protocol/bytes.ts';
import type { Hex } from '../../protocol/hex.ts';
import { fileCid, StoreWithLocalFiles } from '../content/local-files.ts';
import { CHUNK, manifestOf, webHash } from '../content/manifest.ts';
import { fileInMemory } from '../content/member-files.ts';
import { startContent } from '../content/service.ts';
import { MemoryStore } from '../content/store.ts';
import { systemScheduler } from '../scheduler.ts';
import { MemoryNetwork } from '../testing/memory-transport.ts';
import { CheckpointOffers, type KeptCheckpoints } from './checkpoint-publisher.ts';

const rootOf = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`;
const fileOf = (n: number) => new Uint8Array(2 * CHUNK + n).fill(n);

/** Checkpoints on a disk; deletes those that a test names. */
function disk() {
  const files = new Map<Hex, Uint8Array>();
  const kept: KeptCheckpoints = {
    list: async () => [...files].map(([root, { length }]) => ({ root, bytes: length })),
    read: async (root, offset, length) => files.get(root)?.slice(offset, offset + length),
  };
  return { files, kept };
}

it('[P-122] a round’s checkpoint is named at once, served while it is kept, and absent afterwards', async () => {
  const network = new MemoryNetwork();
  const { files, kept } = disk();
  // No checkpoint fits into this memory.
  const store = new StoreWithLocalFiles(new MemoryStore(1024));
  const offers = new CheckpointOffers({ store, kept });
  const start = (name: string, own: StoreWithLocalFiles | MemoryStore) =>
    startContent({ store: own, transport: network.transport(name), scheduler: systemScheduler });
  const [member, asker] = [await start('member', store), await start('asker', new MemoryStore())];
  const cids: string[] = [];
  for (const n of [1, 2]) {
    files.set(rootOf(n), fileOf(n));
    cids.push(await offers.publish({ root: rootOf(n), file: fileOf(n) }));
  }
  const [first = '', second = ''] = cids;
  expect(equalBytes(await asker.fetchFile(first, ['member']), fileOf(1))).toBe(true);
  files.delete(rootOf(2));
  await expect(asker.fetchFile(second, ['member'])).rejects.toThrow('absent');

  // Another run of the device has the same names for what its disk kept.
  const again = new StoreWithLocalFiles(new MemoryStore(1024));
  await new CheckpointOffers({ store: again, kept }).offerKept();
  expect(await again.chunk(first, 2)).toEqual(new Uint8Array(1).fill(1));
  expect(await again.manifest(second)).toBeNull();
  await member.stop();
  await asker.stop();
});

it('[P-122] withdraws what the policy deleted, so that files offered before stay after a thousand rounds', async () => {
  const { files, kept } = disk();
  const store = new StoreWithLocalFiles(new MemoryStore(1024));
  const offers = new CheckpointOffers({ store, kept });
  const other = new Uint8Array(CHUNK + 1).fill(255);
  const cid = await fileCid(await manifestOf(other, webHash));
  store.offer(cid, fileInMemory(other));
  for (let n = 1; n <= 1100; n++) {
    files.clear();
    files.set(rootOf(n), Uint8Array.of(n & 255, n >> 8));
    await offers.publish({ root: rootOf(n), file: Uint8Array.of(n & 255, n >> 8) });
  }
  expect(await store.chunk(cid, 1)).toEqual(other.slice(CHUNK));
});
