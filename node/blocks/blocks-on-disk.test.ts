/** The store of block versions on the directories that processes and pages really have. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Directory } from '../../models/storage/directory.ts';
import { openFileDirectory } from '../../models/storage/file-directory.ts';
import { openMemoryDirectory } from '../../models/storage/memory-directory.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import { BlockStore } from '../../swarm/blocks/block-store.ts';
import { DirectoryContent } from '../../swarm/blocks/directory-content.ts';
import { describeContentStoreContract } from '../../swarm/testing/content-store-contract.ts';

const QUOTA = 16 * 1024 * 1024;
const folders: string[] = [];

async function onDisk(): Promise<Directory> {
  const folder = await mkdtemp(join(tmpdir(), 'starling-blocks-'));
  folders.push(folder);
  return openFileDirectory(folder);
}

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

describeContentStoreContract('DirectoryContent on a disk', async () => ({
  store: await DirectoryContent.open({ files: await onDisk(), quotaBytes: QUOTA }),
  stop: async () => {},
}));

describe('BlockStore on a Directory', () => {
  const place = { block: 'layers.0-1', step: 4, root: `0x${'0a'.repeat(32)}` } as const;
  const bytes = Uint8Array.from({ length: 600_000 }, (_, i) => (i * 7 + (i >> 8)) & 255);

  it.each([
    ['memory', async (): Promise<Directory> => openMemoryDirectory()],
    ['a disk', onDisk],
  ] as const)('[P-164] keeps a version on %s, under names that every folder takes', async (_, open) => {
    const files = await open();
    const held = await (await BlockStore.open({ files, quotaBytes: QUOTA })).put(place, bytes);
    const again = await BlockStore.open({ files, quotaBytes: QUOTA });
    expect(again.versions()).toEqual([held]);
    const read = await again.read(place);
    expect(read !== undefined && equalBytes(read, bytes)).toBe(true);
    await again.remove(place);
    expect(await files.list()).toEqual([]);
  });

  it('[P-164] says in words that the medium is full, whose error is of another room', async () => {
    const files = openMemoryDirectory({ capacity: 300_000 });
    const store = await BlockStore.open({ files, quotaBytes: QUOTA });
    await expect(store.put(place, bytes)).rejects.toThrow(/This device has 0 MB left for blocks/);
    expect(store.versions()).toEqual([]);
    expect(await files.list()).toEqual([]);
  });
});
