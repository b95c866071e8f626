import { describe, expect, it } from 'vitest';
import { equalBytes } from '../../protocol/bytes.ts';
import { CHUNK, cidFromDigest, encodeManifest, manifestOf, webHash } from '../content/manifest.ts';
import { readFile } from '../content/store.ts';
import { RAW } from '../messages/rollouts.ts';
import { describeContentStoreContract } from '../testing/content-store-contract.ts';
import { MemoryFiles } from '../testing/memory-files.ts';
import { DirectoryContent } from './directory-content.ts';

const QUOTA = 4 * 1024 * 1024;

describeContentStoreContract('DirectoryContent', async () => ({
  store: await DirectoryContent.open({ files: new MemoryFiles(), quotaBytes: QUOTA }),
  stop: async () => {},
}));

async function fileOf(bytes: Uint8Array) {
  const manifest = await manifestOf(bytes, webHash);
  return { bytes, manifest, cid: cidFromDigest(await webHash(encodeManifest(manifest)), RAW) };
}

const sample = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 9)) & 255);

describe('DirectoryContent', () => {
  it('has what was put when it is opened again', async () => {
    const files = new MemoryFiles();
    const { bytes, manifest, cid } = await fileOf(sample(2 * CHUNK + 5));
    const before = await DirectoryContent.open({ files, quotaBytes: QUOTA });
    await before.putManifest(cid, manifest);
    for (const index of [0, 2])
      await before.putChunk(cid, index, bytes.slice(index * CHUNK, (index + 1) * CHUNK));
    const after = await DirectoryContent.open({ files, quotaBytes: QUOTA });
    expect(await after.held(cid)).toEqual(new Set([0, 2]));
    expect(after.usedBytes).toBe(bytes.length);
    await after.putChunk(cid, 1, bytes.slice(CHUNK, 2 * CHUNK));
    const read = await readFile(after, cid);
    expect(read !== null && equalBytes(read, bytes)).toBe(true);
  });

  it('gives no damaged byte back, and keeps the chunks beside it', async () => {
    const files = new MemoryFiles();
    const { bytes, manifest, cid } = await fileOf(sample(CHUNK + 5));
    const store = await DirectoryContent.open({ files, quotaBytes: QUOTA });
    await store.putManifest(cid, manifest);
    await store.putChunk(cid, 0, bytes.slice(0, CHUNK));
    await store.putChunk(cid, 1, bytes.slice(CHUNK));
    const damaged = files.files.get(`${cid}.0`);
    if (damaged !== undefined) damaged[77] = (damaged[77] ?? 0) ^ 1;
    expect(await store.chunk(cid, 0)).toBeNull();
    expect(await store.held(cid)).toEqual(new Set([1]));
    expect(store.damaged).toBe(1);
    // A manifest that does not verify names nothing.
    files.files.get(`${cid}.manifest`)?.fill(0, 0, 1);
    files.files.set(`${cid}.manifest`, Uint8Array.of(1, 2, 3));
    const after = await DirectoryContent.open({ files, quotaBytes: QUOTA });
    expect(await after.manifest(cid)).toBeNull();
    expect(await files.list()).toEqual([]);
  });

  it('[S-15] reserves the chunks that are here where files stay in parts, and no more than its quota', async () => {
    const files = new MemoryFiles();
    const { bytes, manifest, cid } = await fileOf(sample(9 * CHUNK));
    const parts = { files, quotaBytes: 2 * CHUNK, reserves: 'chunks' } as const;
    const store = await DirectoryContent.open(parts);
    await store.putManifest(cid, manifest);
    expect(store.usedBytes).toBe(0);
    const put = (index: number) =>
      store.putChunk(cid, index, bytes.slice(index * CHUNK, (index + 1) * CHUNK));
    await put(3);
    await put(8);
    expect(store.usedBytes).toBe(2 * CHUNK);
    await expect(put(4)).rejects.toThrow(/0 MB left/);
    await put(3);
    expect(await (await DirectoryContent.open(parts)).held(cid)).toEqual(new Set([3, 8]));
  });

  it('reserves a whole file, and refuses in words what is too large', async () => {
    const store = await DirectoryContent.open({ files: new MemoryFiles(), quotaBytes: 3 * CHUNK });
    const first = await fileOf(sample(2 * CHUNK));
    const second = await fileOf(sample(2 * CHUNK + 1));
    await store.putManifest(first.cid, first.manifest);
    await expect(store.putManifest(second.cid, second.manifest)).rejects.toThrow(
      /This device has 0.3 MB left for blocks, and 0.6 MB are needed. Free some disk space/,
    );
    await store.delete(first.cid);
    await store.putManifest(second.cid, second.manifest);
    expect(store.usedBytes).toBe(2 * CHUNK + 1);
  });
});
