import { existsSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StorageFullError } from './directory.ts';
import { openDurableSlot } from './durable-slot.ts';
import { openFileDirectory } from './file-directory.ts';
import { describeDirectoryContract } from './testing/directory-contract.ts';

let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'starling-storage-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

describeDirectoryContract('openFileDirectory', (folder) => openFileDirectory(join(home, 'deep', folder)));

describe('a directory on a disk', () => {
  it('keeps a slot across processes and survives a file cut short by hand', async () => {
    const slot = async () =>
      openDurableSlot({ directory: await openFileDirectory(home), name: 'checkpoint' });
    await (await slot()).save(Uint8Array.of(1));
    await (await slot()).save(Uint8Array.of(2));
    await writeFile(join(home, 'checkpoint.b'), 'torn');
    expect(await (await slot()).load()).toEqual({ generation: 1, data: Uint8Array.of(1) });
  });

  it.skipIf(!existsSync('/dev/full'))('turns a full disk into its own error (Linux: /dev/full)', async () => {
    const directory = await openFileDirectory(home);
    const slot = openDurableSlot({ directory, name: 'checkpoint' });
    await slot.save(Uint8Array.of(1));
    await symlink('/dev/full', join(home, 'checkpoint.b'));
    await expect(slot.save(Uint8Array.of(2))).rejects.toThrow(StorageFullError);
    expect(await slot.load()).toEqual({ generation: 1, data: Uint8Array.of(1) });
    expect(await slot.save(Uint8Array.of(3))).toBe(2);
  });

  it('reports a write that the disk refuses with its path', async () => {
    const directory = await openFileDirectory(join(home, 'gone'));
    await rm(join(home, 'gone'), { recursive: true });
    await expect(directory.write('one', [Uint8Array.of(1)])).rejects.toThrow(/gone.one cannot be written/);
  });
});
