import { describe, expect, it } from 'vitest';
import { equalBytes } from '../../protocol/bytes.ts';
import { must } from '../../protocol/must.ts';
import { CHUNK } from '../content/manifest.ts';
import type { VersionPlace } from '../messages/block-announcement.ts';
import { KilledError, MemoryFiles } from '../testing/memory-files.ts';
import { BlockStoreFullError } from './block-files.ts';
import { BlockStore } from './block-store.ts';

const QUOTA = 8 * 1024 * 1024;
const root = (n: number) => `0x${n.toString(16).padStart(64, '0')}` as const;
const sample = (length: number, seed = 0): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 9) + seed) & 255);
/** Whether the store holds exactly these bytes. A comparison by the test runner takes seconds. */
async function holds(store: BlockStore, place: VersionPlace, bytes: Uint8Array): Promise<boolean> {
  const held = await store.read(place);
  return held !== undefined && equalBytes(held, bytes);
}
const open = (files: MemoryFiles, quotaBytes = QUOTA) => BlockStore.open({ files, quotaBytes });

describe('BlockStore', () => {
  it('[P-164] holds a version once it is on the medium, also when it is opened again', async () => {
    const files = new MemoryFiles();
    const store = await open(files);
    const bytes = sample(CHUNK + 9);
    const held = await store.put({ block: 'head', step: 3, root: root(1) }, bytes);
    expect(held).toMatchObject({ block: 'head', step: 3, size: bytes.length });
    const again = await open(files);
    expect(again.versions()).toEqual([held]);
    expect(await holds(again, { block: 'head', step: 3 }, bytes)).toBe(true);
    expect(await again.read({ block: 'head', step: 4 })).toBeUndefined();
  });

  it('[P-164] is killed at any byte of a write: it holds the whole version or says that it holds none', async () => {
    const bytes = sample(2 * CHUNK + 100);
    const whole = new MemoryFiles();
    await (await open(whole)).put({ block: 'head', step: 1, root: root(1) }, bytes);
    const ends = [0, 1, 50, CHUNK, CHUNK + 60, 2 * CHUNK + 150, whole.written - 1, whole.written];
    for (const killAfter of ends) {
      const files = new MemoryFiles();
      const first = await open(files);
      await first.put({ block: 'head', step: 0, root: root(0) }, sample(1000, 7));
      files.killAfter = killAfter;
      const put = first.put({ block: 'head', step: 1, root: root(1) }, bytes);
      if (killAfter < whole.written) await expect(put).rejects.toThrow(KilledError);
      else await put;
      files.killAfter = Number.POSITIVE_INFINITY;
      const after = await open(files);
      expect(after.versions().map(({ step }) => step)).toEqual(killAfter < whole.written ? [0] : [0, 1]);
      expect(await holds(after, { block: 'head', step: 0 }, sample(1000, 7))).toBe(true);
      // What was written is taken over, and the rest may be written again.
      await after.put({ block: 'head', step: 1, root: root(1) }, bytes);
      expect(await holds(after, { block: 'head', step: 1 }, bytes)).toBe(true);
    }
  });

  it('[P-164] refuses in words what it has no room for, and keeps what it had', async () => {
    const files = new MemoryFiles();
    const store = await open(files, CHUNK);
    await store.put({ block: 'head', step: 0, root: root(0) }, sample(CHUNK / 2));
    const put = store.put({ block: 'head', step: 1, root: root(1) }, sample(CHUNK, 1));
    await expect(put).rejects.toThrow(BlockStoreFullError);
    // A disk may be full before the quota is.
    store.content.quotaBytes = QUOTA;
    files.capacity = CHUNK;
    await expect(store.put({ block: 'head', step: 1, root: root(1) }, sample(CHUNK, 1))).rejects.toThrow(
      /Free some disk space/,
    );
    expect(store.versions().map(({ step }) => step)).toEqual([0]);
    expect(store.content.usedBytes).toBe(CHUNK / 2);
    expect((await open(files)).versions()).toEqual(store.versions());
  });

  it('[P-164] no longer holds a version that the medium has damaged, and says which', async () => {
    const files = new MemoryFiles();
    const store = await open(files);
    const held = await store.put({ block: 'head', step: 0, root: root(0) }, sample(2 * CHUNK));
    files.files.delete(`${held.version}.1`);
    expect(await store.dropDamaged()).toEqual([]);
    expect(await store.content.chunk(held.version, 1)).toBeNull();
    expect(await store.dropDamaged()).toEqual([held]);
    expect(store.versions()).toEqual([]);
    expect(await store.content.held(held.version)).toEqual(new Set([0]));
  });

  it('drops a version with its bytes, and takes no second content of one step', async () => {
    const files = new MemoryFiles();
    const store = await open(files);
    const place = { block: 'head', step: 0, root: root(0) };
    await store.put(place, sample(100));
    await store.put(place, sample(100));
    await expect(store.put(place, sample(100, 1))).rejects.toThrow('Other bytes of block head after step 0');
    await store.remove(place);
    expect(files.files.size).toBe(0);
    await store.put(place, sample(100, 1));
    expect(must(store.versions(), 0).size).toBe(100);
  });

  it('knows no record of a file that is not there', async () => {
    const files = new MemoryFiles();
    const held = await (await open(files)).put({ block: 'head', step: 0, root: root(0) }, sample(100));
    files.files.delete(`${held.version}.manifest`);
    files.files.set(`${'b'.repeat(20)}.version`, Uint8Array.of(0xa0));
    const after = await open(files);
    expect(after.versions()).toEqual([]);
    expect(files.files.size).toBe(0);
    await expect(after.complete(held)).rejects.toThrow('is not whole');
  });
});
