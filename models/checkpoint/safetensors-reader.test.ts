import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  float32Tensor,
  parseSafetensors,
  SafetensorsError,
  serializeSafetensors,
  toFloat32,
} from './safetensors.ts';
import { type ByteReader, readPieces, readSafetensorsHeader } from './safetensors-reader.ts';

function reader(bytes: Uint8Array, reads: [number, number][] = []): ByteReader {
  return {
    size: bytes.length,
    read: async (offset, length) => {
      reads.push([offset, length]);
      if (offset + length > bytes.length) throw new RangeError('past the end');
      return new Uint8Array(bytes.subarray(offset, offset + length));
    },
  };
}

const good = serializeSafetensors({
  tensors: new Map([
    ['a', float32Tensor([2, 2], Float32Array.of(1, 2, 3, 4))],
    ['b', float32Tensor([3], Float32Array.of(5, 6, 7))],
  ]),
  metadata: new Map([['format', 'pt']]),
});

describe('readSafetensorsHeader', () => {
  it('finds each tensor without reading any', async () => {
    const reads: [number, number][] = [];
    const file = reader(good, reads);
    const { tensors, metadata } = await readSafetensorsHeader(file);
    expect(metadata.get('format')).toBe('pt');
    const entry = tensors.get('b');
    expect(entry).toMatchObject({ dtype: 'F32', shape: [3] });
    expect(Math.max(...reads.map(([offset, length]) => offset + length))).toBeLessThan(entry?.begin ?? 0);
    const pieces = [];
    for await (const piece of readPieces(file, entry ?? { begin: 0, end: 0 }, 5)) pieces.push(piece);
    expect(pieces.map((piece) => piece.length)).toEqual([5, 5, 2]);
    const data = new Uint8Array(pieces.flatMap((piece) => [...piece]));
    expect([...toFloat32({ dtype: 'F32', shape: [3], data }, 'b')]).toEqual([5, 6, 7]);
  });

  it('agrees with the reader of whole files on every damaged one', async () => {
    const edits = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(edits, fc.nat(good.length), async (list, cut) => {
        const bytes = new Uint8Array(good.subarray(0, Math.max(cut, good.length - 8)));
        for (const [at, value] of list) if (at < bytes.length) bytes[at] = value;
        let whole: unknown;
        try {
          whole = [...parseSafetensors(bytes).tensors.keys()];
        } catch (error) {
          whole = String(error);
        }
        const streamed = await readSafetensorsHeader(reader(bytes)).then(
          ({ tensors }) => [...tensors.keys()],
          (error: unknown) => {
            expect(error).toBeInstanceOf(SafetensorsError);
            return String(error);
          },
        );
        expect(streamed).toEqual(whole);
      }),
      { numRuns: 500 },
    );
  });

  it('does not read a header that is longer than allowed', async () => {
    const bytes = new Uint8Array(good);
    new DataView(bytes.buffer).setBigUint64(0, 2n ** 40n, true);
    const reads: [number, number][] = [];
    await expect(readSafetensorsHeader(reader(bytes, reads))).rejects.toThrow(/over the limit/);
    expect(reads).toEqual([[0, 8]]);
  });

  it('stops when told to', async () => {
    const stop = new AbortController();
    const pieces = readPieces(reader(good), { begin: 0, end: 12 }, 4, stop.signal);
    await pieces.next();
    stop.abort();
    await expect(pieces.next()).rejects.toThrow(/abort/i);
  });
});
