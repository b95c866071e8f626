import { describe, expect, it } from 'vitest';
import { type FileReader, reopenedFile } from './reopened-file.ts';

/** A folder with at most one file, whose readers fail once it is deleted or written again. */
function folder() {
  let current: { readonly bytes: Uint8Array } | undefined;
  let opens = 0;
  return {
    opens: () => opens,
    write(...bytes: number[]) {
      current = { bytes: Uint8Array.from(bytes) };
    },
    remove() {
      current = undefined;
    },
    async open(): Promise<FileReader | undefined> {
      opens++;
      const own = current;
      if (own === undefined) return undefined;
      return {
        async read(offset, length) {
          if (own !== current) throw new Error('The file has changed.');
          return own.bytes.slice(offset, offset + length);
        },
      };
    },
  };
}

describe('reopenedFile', () => {
  it('opens a file once for many reads, also at the same time', async () => {
    const disk = folder();
    disk.write(1, 2, 3, 4);
    const file = reopenedFile(4, disk.open);
    expect(disk.opens()).toBe(0);
    const parts = await Promise.all([file.read(0, 2), file.read(2, 2), file.read(1, 1)]);
    expect(parts.map((part) => [...(part ?? [])])).toEqual([[1, 2], [3, 4], [2]]);
    expect(disk.opens()).toBe(1);
  });

  it('is absent when the file is deleted, and there when it is written again', async () => {
    const disk = folder();
    disk.write(1, 2);
    const file = reopenedFile(2, disk.open);
    expect(await file.read(0, 2)).toEqual(Uint8Array.of(1, 2));
    disk.write(3, 4);
    expect(await file.read(0, 2)).toEqual(Uint8Array.of(3, 4));
    disk.remove();
    expect(await file.read(0, 2)).toBeUndefined();
    disk.write(5, 6);
    expect(await file.read(0, 2)).toEqual(Uint8Array.of(5, 6));
  });

  it('rejects when the opened file cannot be read either', async () => {
    const file = reopenedFile(2, async () => ({ read: () => Promise.reject(new Error('The disk fails.')) }));
    await expect(file.read(0, 2)).rejects.toThrow('The disk fails.');
  });
});
