/**
 * The FileStore contract over the stores in memory and on a disk. opfs-file-store.test.ts runs it in
 * Chromium.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { openFolderFileStore } from './folder-file-store.ts';
import { describeFileStoreContract } from './testing/file-store-contract.ts';
import { openMemoryFileStore } from './testing/memory-file-store.ts';

let home = '';
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'starling-file-store-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

const folders = new Map<string, ReturnType<typeof openMemoryFileStore>['files']>();

describeFileStoreContract('openMemoryFileStore', async (folder) => {
  const files = folders.get(folder) ?? new Map();
  folders.set(folder, files);
  return openMemoryFileStore({ files });
});

describeFileStoreContract('openFolderFileStore', (folder) => openFolderFileStore(join(home, folder)));
