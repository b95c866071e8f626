import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equalBytes } from '../../protocol/bytes.ts';
import { Reassembly, SLICE_BYTES, SLICE_PAYLOAD, SliceError, sliceCount, slicesOf } from './slices.ts';

const limits = { message: 100_000, open: 4, bytes: 200_000 };

function filled(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + seed) % 256);
}

/** A slice with one of its three numbers replaced. */
function changed(slice: Uint8Array, at: 0 | 4 | 8, value: number): Uint8Array {
  const copy = slice.slice();
  new DataView(copy.buffer).setUint32(at, value);
  return copy;
}

describe('slices', () => {
  it('[P-171] have at most 4,600 bytes, and an empty message has one', () => {
    for (const length of [0, 1, SLICE_PAYLOAD, SLICE_PAYLOAD + 1, 20_000]) {
      const slices = [...slicesOf(7, filled(length, 0))];
      expect(slices).toHaveLength(sliceCount(length));
      for (const slice of slices) expect(slice.length).toBeLessThanOrEqual(SLICE_BYTES);
    }
  });

  it('[P-171] in any order give the messages in the order of their numbers', () => {
    const lengths = fc.array(fc.nat(30_000), { minLength: 1, maxLength: limits.open });
    fc.assert(
      fc.property(lengths, fc.array(fc.nat(), { minLength: 64, maxLength: 64 }), (sizes, keys) => {
        const messages = sizes.map(filled);
        const slices = messages.flatMap((message, number) => [...slicesOf(number, message)]);
        const shuffled = slices
          .map((slice, i) => ({ slice, key: keys[i % keys.length] ?? 0 }))
          .sort((a, b) => a.key - b.key);
        const reassembly = new Reassembly(limits);
        const whole = shuffled.flatMap(({ slice }) => reassembly.add(slice));
        expect(whole).toHaveLength(messages.length);
        for (const [i, message] of messages.entries()) {
          expect(equalBytes(whole[i] ?? new Uint8Array(), message)).toBe(true);
        }
        expect(reassembly.heldBytes).toBe(0);
      }),
    );
  });

  it('[P-172] that break a rule are refused', () => {
    const [first, second] = [...slicesOf(0, filled(2 * SLICE_PAYLOAD, 1))];
    if (first === undefined || second === undefined) throw new Error('There are two slices.');
    const cases: readonly (readonly [string, readonly Uint8Array[]])[] = [
      ['shorter than its head', [first.slice(0, 11)]],
      ['longer than a slice', [new Uint8Array(SLICE_BYTES + 1)]],
      ['twice', [first, first]],
      ['of a message that is whole', [first, second, first]],
      ['of another length of its message', [first, changed(second, 4, 2 * SLICE_PAYLOAD + 1)]],
      ['after the end of its message', [changed(first, 8, 2)]],
      ['with too few bytes', [first.slice(0, 100)]],
      ['of too long a message', [changed(first, 4, limits.message + 1)]],
      ['of a message far ahead', [changed(first, 0, limits.open)]],
    ];
    for (const [name, slices] of cases) {
      const reassembly = new Reassembly(limits);
      const before = slices.slice(0, -1);
      for (const slice of before) reassembly.add(slice);
      expect(() => reassembly.add(slices.at(-1) ?? first), name).toThrow(SliceError);
    }
  });

  it('[P-172] are not kept beyond the limit of bytes', () => {
    const reassembly = new Reassembly({ ...limits, bytes: 2 * SLICE_PAYLOAD });
    const slices = [...slicesOf(1, filled(4 * SLICE_PAYLOAD, 3))];
    reassembly.add(slices[0] ?? new Uint8Array());
    reassembly.add(slices[1] ?? new Uint8Array());
    expect(() => reassembly.add(slices[2] ?? new Uint8Array())).toThrow('unfinished');
  });
});
