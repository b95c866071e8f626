import { describe, expect, it } from 'vitest';
import { equalBytes } from '../../protocol/bytes.ts';
import { ManifestBuilder } from '../../protocol/file-manifest.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { systemScheduler } from '../scheduler.ts';
import { describeContentStoreContract } from '../testing/content-store-contract.ts';
import { MemoryNetwork } from '../testing/memory-transport.ts';
import { ContentError } from './content-error.ts';
import { fileCid, type LocalFile, StoreWithLocalFiles, smallFileCid } from './local-files.ts';
import { CHUNK, manifestOf, webHash } from './manifest.ts';
import { startContent } from './service.ts';
import { MemoryStore } from './store.ts';

describeContentStoreContract('StoreWithLocalFiles', async () => ({
  store: new StoreWithLocalFiles(new MemoryStore()),
  stop: async () => {},
}));

const bytesOf = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => (Math.imul(at + 1, 2654435761) >>> 24) & 255);

/** A file that counts what is read of it at once. */
function countedFile(bytes: Uint8Array) {
  const reads: number[] = [];
  const file: LocalFile = {
    size: bytes.length,
    async read(offset, length) {
      reads.push(length);
      return bytes.slice(offset, offset + length);
    },
  };
  return { file, reads };
}

describe('files on this device', () => {
  it('[P-122] are served chunk by chunk from where they lie, under the CID of their manifest', async () => {
    const network = new MemoryNetwork();
    const bytes = bytesOf(5 * CHUNK + 3);
    const { file, reads } = countedFile(bytes);
    // Its store has room for nothing.
    const store = new StoreWithLocalFiles(new MemoryStore(1));
    const cid = await fileCid(await manifestOf(bytes, webHash));
    store.offer(cid, file);
    const builder = new ManifestBuilder();
    await builder.update(bytes);
    expect(await builder.cid()).toBe(cid);
    const [server, client] = await Promise.all(
      [['server', store] as const, ['client', new MemoryStore()] as const].map(([name, own]) =>
        startContent({ store: own, transport: network.transport(name), scheduler: systemScheduler }),
      ),
    );
    const fetched = await client?.fetchFile(cid, ['server']);
    expect(equalBytes(fetched ?? new Uint8Array(), bytes)).toBe(true);
    expect(Math.max(...reads)).toBe(4 * CHUNK);
    // Chunk by chunk for the manifest, and four at a time for the peer.
    expect(reads).toHaveLength(6 + 2);
    await server?.stop();
    await client?.stop();
  });

  it('that were changed or cut are missing, whatever they hold', async () => {
    const bytes = bytesOf(2 * CHUNK);
    const manifest = await manifestOf(bytes, webHash);
    const cid = await fileCid(manifest);
    const changed = bytes.slice();
    changed[CHUNK] = (changed[CHUNK] ?? 0) ^ 1;
    const store = new StoreWithLocalFiles(new MemoryStore());
    store.offer(cid, countedFile(changed).file, manifest);
    const chunk = await store.chunk(cid, 0);
    expect(chunk !== null && equalBytes(chunk, bytes.slice(0, CHUNK))).toBe(true);
    expect(await store.chunk(cid, 1)).toBeNull();
    expect(await store.chunk(cid, 2)).toBeNull();
    // Without a manifest that its owner vouched for, such a file is not this one at all.
    store.offer(cid, countedFile(changed).file);
    expect(await store.manifest(cid)).toBeNull();
    expect(await store.chunk(cid, 0)).toBeNull();
    const gone: LocalFile = { size: bytes.length, read: async () => undefined };
    store.offer(cid, gone, manifest);
    expect(await store.chunk(cid, 0)).toBeNull();
    const broken: LocalFile = { size: 4, read: () => Promise.reject(new Error('The disk is gone.')) };
    const small = smallFileCid(sha256Of(bytes.slice(0, 4)));
    store.offer(small, broken);
    expect(await store.object(small)).toBeNull();
  });

  it('of at most 1 MiB are objects too, by their SHA-256', async () => {
    const bytes = bytesOf(700);
    const store = new StoreWithLocalFiles(new MemoryStore());
    const cid = smallFileCid(sha256Of(bytes));
    store.offer(cid, countedFile(bytes).file);
    expect(await store.object(cid)).toEqual(bytes);
    await store.delete(cid);
    expect(await store.object(cid)).toBeNull();
    expect(() => store.offer('no CID', countedFile(bytes).file)).toThrow(ContentError);
  });
});
