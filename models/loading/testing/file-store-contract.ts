/** What every FileStore must do, as tests. The rules stand with their ids in ../file-store.ts. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { FileStore, StoredFile } from '../file-store.ts';

/** Opens a folder by its name. Opening it again gives the same files. */
export type OpenFileStore = (folder: string) => Promise<FileStore>;

const BAD_NAMES = ['', '../escape', '.hidden', 'a/b', 'a b', 'x'.repeat(200)];
const bytes = (...values: number[]) => Uint8Array.from(values);

let folders = 0;

/** Tests that a store keeps the rules [FS-01] to [FS-08]. Each test opens a folder of its own. */
export function describeFileStoreContract(name: string, open: OpenFileStore): void {
  describe(`${name} as a FileStore`, () => {
    let folder = '';
    let store: FileStore;
    beforeEach(async () => {
      folder = `contract-${++folders}`;
      store = await open(folder);
    });

    /** Opens a file, and closes it after the use. */
    async function withFile<T>(file: string, use: (opened: StoredFile) => Promise<T>): Promise<T> {
      const opened = await store.open(file, { create: true });
      if (opened === undefined) throw new Error(`${file} was not made.`);
      try {
        return await use(opened);
      } finally {
        await opened.close();
      }
    }

    it('[FS-01] opens no missing file, unless it may create an empty one', async () => {
      expect(await store.open('a.bin')).toBeUndefined();
      expect(await store.list()).toEqual([]);
      expect(await withFile('a.bin', (file) => file.size())).toBe(0);
      await withFile('a.bin', (file) => file.write(0, bytes(1, 2)));
      expect(await withFile('a.bin', (file) => file.size())).toBe(2);
      const existing = await store.open('a.bin');
      expect(await existing?.read(0, 2)).toEqual(bytes(1, 2));
      await existing?.close();
    });

    it.each(BAD_NAMES)('[FS-02] refuses the name "%s"', async (bad) => {
      const refusal = { name: 'ModelLoadError' };
      await expect(store.open(bad)).rejects.toMatchObject(refusal);
      await expect(store.open(bad, { create: true })).rejects.toMatchObject(refusal);
      await expect(store.remove(bad)).rejects.toMatchObject(refusal);
    });

    it('[FS-03] reads exactly the requested bytes, or throws at the end of the file', async () => {
      await withFile('a.bin', async (file) => {
        await file.write(0, bytes(1, 2, 3, 4));
        expect(await file.read(1, 2)).toEqual(bytes(2, 3));
        expect(await file.read(4, 0)).toEqual(bytes());
        await expect(file.read(2, 3)).rejects.toMatchObject({ name: 'StorageError' });
      });
    });

    it('[FS-04] writes at any offset up to the end of the file', async () => {
      await withFile('a.bin', async (file) => {
        await file.write(0, bytes(1, 2, 3));
        await file.write(3, bytes(4, 5));
        await file.write(1, bytes(9));
        expect(await file.size()).toBe(5);
        expect(await file.read(0, 5)).toEqual(bytes(1, 9, 3, 4, 5));
      });
    });

    it('[FS-04] writes and reads more than one call moves', async () => {
      const large = Uint8Array.from(
        { length: (1 << 20) + 3 },
        (_, index) => (index * 7 + (index >> 8)) & 255,
      );
      await withFile('a.bin', async (file) => {
        await file.write(0, large);
        expect(Buffer.compare(await file.read(0, large.length), large)).toBe(0);
      });
    });

    it('[FS-05] cuts a file, and extends one with zeros', async () => {
      await withFile('a.bin', async (file) => {
        await file.write(0, bytes(1, 2, 3, 4));
        await file.truncate(2);
        expect(await file.size()).toBe(2);
        expect(await file.read(0, 2)).toEqual(bytes(1, 2));
        await file.truncate(4);
        expect(await file.read(0, 4)).toEqual(bytes(1, 2, 0, 0));
        await file.write(3, bytes(9));
        expect(await file.size()).toBe(4);
        await file.truncate(0);
        expect(await file.size()).toBe(0);
      });
    });

    it('[FS-06] lists the files', async () => {
      await withFile('b.bin', async () => undefined);
      await withFile('A_1.json', async () => undefined);
      expect([...(await store.list())].sort()).toEqual(['A_1.json', 'b.bin']);
    });

    it('[FS-07] removes a file, and does nothing when there is none', async () => {
      await withFile('a.bin', (file) => file.write(0, bytes(1)));
      await withFile('b.bin', (file) => file.write(0, bytes(2)));
      await store.remove('a.bin');
      await store.remove('a.bin');
      expect(await store.list()).toEqual(['b.bin']);
      expect(await store.open('a.bin')).toBeUndefined();
    });

    it('[FS-08] has what was flushed when it is opened again', async () => {
      await withFile('a.bin', async (file) => {
        await file.write(0, bytes(5, 6, 7));
        await file.flush();
      });
      const again = await (await open(folder)).open('a.bin');
      expect(await again?.read(0, 3)).toEqual(bytes(5, 6, 7));
      await again?.close();
    });
  });
}
