import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ContentError } from '../../swarm/content/content-error.ts';
import { CHUNK, cidFromDigest, encodeManifest, manifestOf, webHash } from '../../swarm/content/manifest.ts';
import { readFile as readStored } from '../../swarm/content/store.ts';
import { DAG_CBOR, RAW } from '../../swarm/messages/rollouts.ts';
import { describeContentStoreContract } from '../../swarm/testing/content-store-contract.ts';
import { openFileContentStore } from './file-content-store.ts';

let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'starling-content-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const bytesOf = (length: number) =>
  Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 10)) & 255);

async function fileOf(length: number) {
  const bytes = bytesOf(length);
  const manifest = await manifestOf(bytes, webHash);
  const cid = cidFromDigest(await webHash(encodeManifest(manifest)), RAW);
  const chunk = (index: number) => bytes.slice(index * CHUNK, (index + 1) * CHUNK);
  return { bytes, manifest, cid, chunk };
}

describeContentStoreContract('openFileContentStore', async () => ({
  store: await openFileContentStore(home),
  stop: async () => {},
}));

describe('content on a disk', () => {
  it('keeps objects over a restart, and answers null for what it has not', async () => {
    const bytes = bytesOf(1000);
    const cid = cidFromDigest(await webHash(bytes), DAG_CBOR);
    const store = await openFileContentStore(home);
    expect(await store.object(cid)).toBeNull();
    await store.putObject(cid, bytes);
    expect(await (await openFileContentStore(home)).object(cid)).toEqual(bytes);
    expect(await store.list()).toEqual([cid]);
    await store.delete(cid);
    expect(await store.object(cid)).toBeNull();
  });

  it('takes chunks in any order, knows which it holds after a restart, and gives the whole file', async () => {
    const { bytes, manifest, cid, chunk } = await fileOf(2 * CHUNK + 17);
    const store = await openFileContentStore(home);
    await store.putManifest(cid, manifest);
    await store.putChunk(cid, 2, chunk(2));
    await store.putChunk(cid, 0, chunk(0));
    const again = await openFileContentStore(home);
    expect(await again.held(cid)).toEqual(new Set([0, 2]));
    expect(await readStored(again, cid)).toBeNull();
    expect(await again.chunk(cid, 1)).toBeNull();
    await again.putChunk(cid, 1, chunk(1));
    expect(await again.chunk(cid, 3)).toBeNull();
    // Not toEqual, which takes seconds for half a megabyte.
    expect(Buffer.compare((await readStored(again, cid)) ?? new Uint8Array(), bytes)).toBe(0);
    const inspected = await again.inspect(cid);
    expect(inspected?.intact).toBe(true);
    expect(Buffer.compare(inspected?.bytes ?? new Uint8Array(), bytes)).toBe(0);
  });

  it('never gives bytes that the disk has changed, but shows them to whoever inspects', async () => {
    const { manifest, cid, chunk } = await fileOf(CHUNK + 5);
    const store = await openFileContentStore(home);
    await store.putManifest(cid, manifest);
    await store.putChunk(cid, 0, chunk(0));
    await store.putChunk(cid, 1, chunk(1));
    const path = join(home, `${cid}.file`);
    const stored = await readFile(path);
    stored[10] = (stored[10] ?? 0) ^ 1;
    await writeFile(path, stored);
    expect(await store.chunk(cid, 0)).toBeNull();
    expect(await store.held(cid)).toEqual(new Set([1]));
    expect((await store.inspect(cid))?.intact).toBe(false);
    expect((await store.inspect(cid))?.bytes[10]).toBe(stored[10]);
    await writeFile(join(home, `${cid}.manifest`), 'not a manifest');
    expect(await store.manifest(cid)).toBeNull();
  });

  it('survives many writers of one object at once', async () => {
    const bytes = bytesOf(5000);
    const cid = cidFromDigest(await webHash(bytes), DAG_CBOR);
    const store = await openFileContentStore(home);
    await Promise.all(Array.from({ length: 8 }, () => store.putObject(cid, bytes)));
    expect(await store.object(cid)).toEqual(bytes);
    expect(await store.list()).toEqual([cid]);
  });

  it('refuses a name that is no CID', async () => {
    const store = await openFileContentStore(home);
    await expect(store.object('../../etc/passwd')).rejects.toThrow(ContentError);
    await expect(store.putObject('x', bytesOf(1))).rejects.toThrow(ContentError);
  });
});
