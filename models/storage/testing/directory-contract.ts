/** What every Directory must do, as tests. The rules stand with their ids in ../directory.ts. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Directory } from '../directory.ts';

/** Opens a folder by its name. Opening it again gives the same files. */
export type OpenDirectory = (folder: string) => Promise<Directory>;

const BAD_NAMES = ['', '../escape', '.hidden', 'a/b', 'UPPER', 'x'.repeat(200)];
const bytes = (length: number) =>
  Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 255);

let folders = 0;

/** Tests that a directory keeps the rules [DR-01] to [DR-07]. Each test opens a folder of its own. */
export function describeDirectoryContract(name: string, open: OpenDirectory): void {
  describe(`${name} as a Directory`, () => {
    let folder = '';
    let directory: Directory;
    beforeEach(async () => {
      folder = `contract-${++folders}`;
      directory = await open(folder);
    });

    it.each(BAD_NAMES)('[DR-01] refuses the name "%s"', async (bad) => {
      const refusal = { name: 'StorageError' };
      await expect(directory.read(bad)).rejects.toMatchObject(refusal);
      await expect(directory.readPart(bad, 0, 1)).rejects.toMatchObject(refusal);
      await expect(directory.write(bad, [])).rejects.toMatchObject(refusal);
      await expect(directory.remove(bad)).rejects.toMatchObject(refusal);
    });

    it('[DR-02] lists the files that exist', async () => {
      expect(await directory.list()).toEqual([]);
      await directory.write('one', [bytes(1)]);
      await directory.write('two.a', []);
      expect([...(await directory.list())].sort()).toEqual(['one', 'two.a']);
    });

    it('[DR-03] reads a copy of the whole file, or undefined when there is none', async () => {
      expect(await directory.read('one')).toBeUndefined();
      await directory.write('one', [bytes(4)]);
      const copy = await directory.read('one');
      expect(copy).toEqual(bytes(4));
      copy?.fill(0);
      expect(await directory.read('one')).toEqual(bytes(4));
    });

    it.each([
      ['no part', []],
      ['empty parts', [bytes(0), bytes(0)]],
      ['several parts', [bytes(3), bytes(0), bytes(5)]],
      ['a part of 3 MiB', [bytes(1), bytes(3 << 20)]],
    ] as const)('[DR-04] writes %s as one file', async (_, parts) => {
      await directory.write('one', parts);
      const whole = Buffer.concat(parts);
      const read = await directory.read('one');
      expect(read?.byteLength).toBe(whole.byteLength);
      expect(Buffer.compare(read ?? new Uint8Array(), whole)).toBe(0);
    });

    it('[DR-04] replaces the whole file, a longer one by a shorter one too', async () => {
      await directory.write('one', [bytes(100)]);
      await directory.write('one', [bytes(2)]);
      expect(await directory.read('one')).toEqual(bytes(2));
    });

    it('[DR-05] removes a file, and does nothing when there is none', async () => {
      await directory.write('one', [bytes(1)]);
      await directory.write('two', [bytes(2)]);
      await directory.remove('one');
      await directory.remove('one');
      expect(await directory.read('one')).toBeUndefined();
      expect(await directory.list()).toEqual(['two']);
    });

    it('[DR-06] has the same files when it is opened again', async () => {
      await directory.write('one', [bytes(7)]);
      const again = await open(folder);
      expect(await again.list()).toEqual(['one']);
      expect(await again.read('one')).toEqual(bytes(7));
    });

    it('[DR-07] reads a part of a file, and nothing when the file ends before', async () => {
      expect(await directory.readPart('one', 0, 1)).toBeUndefined();
      await directory.write('one', [bytes(300)]);
      expect(await directory.readPart('one', 0, 300)).toEqual(bytes(300));
      expect(await directory.readPart('one', 257, 43)).toEqual(bytes(300).slice(257));
      expect(await directory.readPart('one', 300, 0)).toEqual(bytes(0));
      expect(await directory.readPart('one', 257, 44)).toBeUndefined();
      expect(await directory.readPart('one', 400, 1)).toBeUndefined();
    });
  });
}
