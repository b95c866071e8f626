import { describe, expect, it } from 'vitest';
import { StorageFullError } from './directory.ts';
import { KilledError, type MemoryDirectory, openMemoryDirectory } from './memory-directory.ts';
import { describeDirectoryContract } from './testing/directory-contract.ts';

const folders = new Map<string, MemoryDirectory['files']>();

describeDirectoryContract('openMemoryDirectory', async (folder) => {
  const files = folders.get(folder) ?? new Map();
  folders.set(folder, files);
  return openMemoryDirectory({ files });
});

describe('the faults of a directory in memory', () => {
  it('dies after the given number of bytes, with the rest of the file absent or zero', async () => {
    for (const [tail, expected] of [
      ['absent', [1, 2]],
      ['zeros', [1, 2, 0]],
    ] as const) {
      const directory = openMemoryDirectory({ killAfter: 2, tail });
      await expect(directory.write('one', [Uint8Array.of(1, 2, 3)])).rejects.toThrow(KilledError);
      expect(directory.files.get('one')).toEqual(Uint8Array.from(expected));
      await expect(directory.list()).rejects.toThrow(KilledError);
    }
  });

  it('is full at its capacity', async () => {
    const directory = openMemoryDirectory({ capacity: 4 });
    await directory.write('one', [new Uint8Array(3)]);
    await expect(directory.write('two', [new Uint8Array(2)])).rejects.toThrow(StorageFullError);
    // As on a real disk, the part that had room stays until it is removed.
    await directory.remove('two');
    await directory.write('one', [new Uint8Array(4)]);
  });
});
