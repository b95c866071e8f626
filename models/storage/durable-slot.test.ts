import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StorageDamagedError, StorageError, StorageFullError } from './directory.ts';
import { HEADER_BYTES, openDurableSlot } from './durable-slot.ts';
import { KilledError, openMemoryDirectory } from './memory-directory.ts';

const value = (seed: number, length = 40) =>
  Uint8Array.from({ length }, (_, index) => (index * 31 + seed * 97) & 255);

const slotIn = (directory: ReturnType<typeof openMemoryDirectory>) =>
  openDurableSlot({ directory, name: 'checkpoint' });

describe('a durable slot', () => {
  it('is empty at first, then gives back the newest save and keeps the one before', async () => {
    const directory = openMemoryDirectory();
    const slot = slotIn(directory);
    expect(await slot.load()).toBeUndefined();
    for (let save = 1; save <= 5; save++) expect(await slot.save(value(save))).toBe(save);
    expect(await slot.load()).toEqual({ generation: 5, data: value(5) });
    expect(directory.files.size).toBe(2);
    directory.files.delete('checkpoint.a');
    expect(await slotIn(directory).load()).toEqual({ generation: 4, data: value(4) });
  });

  it('saves an empty value and one without having loaded first', async () => {
    const directory = openMemoryDirectory();
    await slotIn(directory).save(value(1));
    await slotIn(directory).save(new Uint8Array());
    expect(await slotIn(directory).load()).toEqual({ generation: 2, data: new Uint8Array() });
  });

  it('queues saves made at once', async () => {
    const slot = slotIn(openMemoryDirectory());
    expect(await Promise.all([1, 2, 3, 4].map((seed) => slot.save(value(seed))))).toEqual([1, 2, 3, 4]);
    expect((await slot.load())?.data).toEqual(value(4));
  });

  it.each(['absent', 'zeros'] as const)(
    'has the last good value after a kill at every byte of two saves (rest of the file %s)',
    async (tail) => {
      const saved = openMemoryDirectory();
      await slotIn(saved).save(value(1));
      const one = HEADER_BYTES + value(2).byteLength;
      for (let killAfter = 0; killAfter < 2 * one; killAfter++) {
        const files = new Map([...saved.files].map(([name, data]) => [name, data.slice()]));
        const dying = slotIn(openMemoryDirectory({ files, killAfter, tail }));
        await expect(dying.save(value(2)).then(() => dying.save(value(3)))).rejects.toThrow(KilledError);

        const reopened = slotIn(openMemoryDirectory({ files }));
        const expected =
          killAfter < one ? { generation: 1, data: value(1) } : { generation: 2, data: value(2) };
        expect(await reopened.load(), `killed at byte ${killAfter}`).toEqual(expected);
        await reopened.save(value(9));
        expect(await slotIn(openMemoryDirectory({ files })).load()).toEqual({
          generation: expected.generation + 1,
          data: value(9),
        });
      }
    },
  );

  it('has nothing after a first save cut short at any byte, and can save again', async () => {
    for (let killAfter = 0; killAfter < HEADER_BYTES + 40; killAfter++) {
      const files = new Map();
      await expect(slotIn(openMemoryDirectory({ files, killAfter })).save(value(1))).rejects.toThrow(
        KilledError,
      );
      const slot = slotIn(openMemoryDirectory({ files }));
      expect(await slot.load()).toBeUndefined();
      await slot.save(value(2));
      expect((await slot.load())?.data).toEqual(value(2));
    }
  });

  it('refuses any changed bit of the newest and falls back to the one before', async () => {
    const directory = openMemoryDirectory();
    await slotIn(directory).save(value(1));
    await slotIn(directory).save(value(2));
    const newest = directory.files.get('checkpoint.b') ?? new Uint8Array();
    for (let bit = 0; bit < newest.byteLength * 8; bit++) {
      const harmed = newest.slice();
      harmed[bit >> 3] = (harmed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const files = new Map(directory.files).set('checkpoint.b', harmed);
      expect(await slotIn(openMemoryDirectory({ files })).load(), `bit ${bit}`).toEqual({
        generation: 1,
        data: value(1),
      });
    }
  });

  it('says so when both generations are damaged', async () => {
    const directory = openMemoryDirectory();
    await slotIn(directory).save(value(1));
    await slotIn(directory).save(value(2));
    for (const [name, data] of directory.files) directory.files.set(name, data.slice(0, -1));
    await expect(slotIn(directory).load()).rejects.toThrow(StorageDamagedError);
  });

  it('never takes bytes it did not write for a save', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        const files = new Map([['checkpoint.a', new Uint8Array(bytes)]]);
        expect(await slotIn(openMemoryDirectory({ files })).load()).toBeUndefined();
      }),
    );
  });

  it('keeps the last value on a full disk, gives the room back, and saves again when there is some', async () => {
    const files = new Map();
    await slotIn(openMemoryDirectory({ files })).save(value(1));
    const full = slotIn(openMemoryDirectory({ files, capacity: 150 }));
    const failure = await full.save(value(2, 100)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StorageFullError);
    expect(failure).toMatchObject({ needed: HEADER_BYTES + 100 });
    expect((failure as Error).message).toContain('Free some disk space');
    expect([...files.keys()]).toEqual(['checkpoint.a']);
    expect(await full.load()).toEqual({ generation: 1, data: value(1) });
    await slotIn(openMemoryDirectory({ files })).save(value(3, 100));
    expect((await slotIn(openMemoryDirectory({ files })).load())?.data).toEqual(value(3, 100));
  });

  it('refuses a value written by a later version instead of overwriting it', async () => {
    const directory = openMemoryDirectory();
    await slotIn(directory).save(value(1));
    const bytes = directory.files.get('checkpoint.a') ?? new Uint8Array();
    new DataView(bytes.buffer).setUint32(8, 2, true);
    const inner = new Uint8Array(64);
    inner.set(bytes.subarray(0, 32));
    inner.set(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes.slice(HEADER_BYTES))), 32);
    bytes.set(new Uint8Array(await crypto.subtle.digest('SHA-256', inner)), 32);
    await expect(slotIn(directory).save(value(2))).rejects.toThrow(StorageError);
    await expect(slotIn(directory).load()).rejects.toThrow('newer Starling');
  });

  it('forgets everything when cleared', async () => {
    const directory = openMemoryDirectory();
    const slot = slotIn(directory);
    await slot.save(value(1));
    await slot.save(value(2));
    await slot.clear();
    expect(directory.files.size).toBe(0);
    expect(await slot.load()).toBeUndefined();
    expect(await slot.save(value(3))).toBe(1);
  });
});
