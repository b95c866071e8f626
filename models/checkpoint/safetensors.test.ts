import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  float32Tensor,
  parseSafetensors,
  SafetensorsError,
  type StoredTensor,
  serializeSafetensors,
  toFloat32,
} from './safetensors.ts';

/** A file from header text and data bytes, with no check of its own. */
function file(header: string, dataBytes = 0, declared?: bigint): Uint8Array {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, declared ?? BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const one = (fields: string) => `{"a":{${fields}}}`;

describe('parseSafetensors', () => {
  it('reads back what serializeSafetensors wrote', () => {
    const name = fc
      .string({ unit: 'grapheme', maxLength: 12 })
      .filter((s) => s !== '__metadata__' && s.isWellFormed());
    const tensor = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }).map((shape) => {
      const count = shape.reduce((a, b) => a * b, 1);
      return float32Tensor(
        shape,
        Float32Array.from({ length: count }, (_, i) => i / 3),
      );
    });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(name, tensor), { maxLength: 6 }),
        fc.dictionary(name, name),
        (list, meta) => {
          const tensors = new Map(list);
          const metadata = new Map(Object.entries(meta));
          const parsed = parseSafetensors(serializeSafetensors({ tensors, metadata }));
          expect(new Map(parsed.metadata)).toEqual(metadata);
          expect(new Set(parsed.tensors.keys())).toEqual(new Set(tensors.keys()));
          for (const [key, value] of tensors) {
            const found = parsed.tensors.get(key)!;
            expect(found.shape).toEqual(value.shape);
            expect([...toFloat32(found, key)]).toEqual([...toFloat32(value, key)]);
          }
        },
      ),
    );
  });

  it('reads a file as the format describes it', () => {
    const bytes = file('{"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}   ', 8);
    new DataView(bytes.buffer).setFloat32(bytes.length - 8, 1.5, true);
    const tensor = parseSafetensors(bytes).tensors.get('b')!;
    expect([...toFloat32(tensor, 'b')]).toEqual([1.5, 0]);
  });

  it('keeps __proto__ and constructor plain names', () => {
    const header =
      '{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"__metadata__":{"constructor":"x"}}';
    const parsed = parseSafetensors(file(header, 1));
    expect([...parsed.tensors.keys()]).toEqual(['__proto__']);
    expect(parsed.metadata.get('constructor')).toBe('x');
  });

  const u8 = '"dtype":"U8","shape":[1],"data_offsets":[0,1]';
  it.each([
    ['empty', new Uint8Array(), /too few/],
    ['shorter than the length field', new Uint8Array(7), /too few/],
    ['a header past the end', file('{}', 0, 100n), /truncated/],
    ['a header of 2^63 bytes', file('{}', 0, 2n ** 63n), /over the limit/],
    ['a header over 1 MiB', file('{}', 0, (1n << 20n) + 1n), /over the limit/],
    ['an empty header', file(''), /begin with/],
    ['leading space', file(' {}'), /begin with/],
    ['an array', file('[]'), /begin with/],
    ['not JSON', file('{"a"'), /expected/],
    ['text after the header', file('{}x'), /the end/],
    ['bad UTF-8', Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff, 0x7d), /UTF-8/],
    ['a name given twice', file(`{"a":{${u8}},"a":{${u8}}}`, 1), /twice/],
    ['an escaped name given twice', file(`{"a":{${u8}},"\\u0061":{${u8}}}`, 1), /twice/],
    ['metadata given twice', file('{"__metadata__":{},"__metadata__":{}}'), /twice/],
    ['a field given twice', file(one(`${u8},"dtype":"I8"`), 1), /twice/],
    ['metadata that is no string', file('{"__metadata__":{"a":1}}'), /must be a string/],
    ['an unknown field', file(one(`${u8},"x":1`), 1), /unknown field/],
    ['an unknown dtype', file(one('"dtype":"F31","shape":[1],"data_offsets":[0,1]'), 1), /dtype/],
    ['an inherited dtype', file(one('"dtype":"toString","shape":[1],"data_offsets":[0,1]'), 1), /dtype/],
    ['a negative size', file(one('"dtype":"U8","shape":[-1],"data_offsets":[0,1]'), 1), /whole number/],
    ['a fractional size', file(one('"dtype":"U8","shape":[1.5],"data_offsets":[0,1]'), 1), /whole number/],
    ['an exponent', file(one('"dtype":"U8","shape":[1e0],"data_offsets":[0,1]'), 1), /whole number/],
    [
      'sizes that overflow',
      file(one('"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]')),
      /makes/,
    ],
    [
      'a shape that does not fit',
      file(one('"dtype":"F32","shape":[1],"data_offsets":[0,1]'), 1),
      /its shape makes 4/,
    ],
    ['offsets the wrong way round', file(one('"dtype":"U8","shape":[1],"data_offsets":[1,0]'), 1), /outside/],
    ['offsets past the end', file(one('"dtype":"U8","shape":[2],"data_offsets":[0,2]'), 1), /outside/],
    ['three offsets', file(one('"dtype":"U8","shape":[1],"data_offsets":[0,1,1]'), 1), /data_offsets/],
    [
      'an overlap',
      file(
        `{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`,
        2,
      ),
      /overlaps/,
    ],
    ['a hole', file(one('"dtype":"U8","shape":[1],"data_offsets":[1,2]'), 2), /hole/],
    ['bytes after the last tensor', file(one(u8), 2), /1 bytes follow/],
    ['deep nesting', file(`{"a":${'['.repeat(50)}${']'.repeat(50)}}`), /nested/],
    ['a lone surrogate', file('{"\\ud800":{}}'), /a string/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => parseSafetensors(bytes)).toThrow(SafetensorsError);
    expect(() => parseSafetensors(bytes)).toThrow(message);
  });

  it('says what to do', () => {
    expect(() => parseSafetensors(new Uint8Array())).toThrow(/Fetch the file again/);
  });

  it('refuses every truncation of a good file, and only with its own error', () => {
    const tensors = new Map<string, StoredTensor>([
      ['a', float32Tensor([2, 2], Float32Array.of(1, 2, 3, 4))],
      ['b', float32Tensor([1], Float32Array.of(5))],
    ]);
    const good = serializeSafetensors({ tensors, metadata: new Map([['format', 'pt']]) });
    for (let length = 0; length < good.length; length++) {
      expect(() => parseSafetensors(good.subarray(0, length)), String(length)).toThrow(SafetensorsError);
    }
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 5 }), (edits) => {
        const bytes = good.slice();
        for (const [at, value] of edits) bytes[at] = value;
        try {
          const parsed = parseSafetensors(bytes);
          const total = [...parsed.tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
          expect(total).toBeLessThanOrEqual(bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(SafetensorsError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('refuses random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(() => parseSafetensors(bytes)).toThrow(SafetensorsError);
      }),
    );
  });
});

describe('toFloat32', () => {
  const of = (dtype: 'BF16' | 'F16', ...words: number[]): StoredTensor => ({
    dtype,
    shape: [words.length],
    data: new Uint8Array(Uint16Array.from(words).buffer),
  });

  it('widens bf16 and half', () => {
    expect([...toFloat32(of('BF16', 0x3f80, 0xc040, 0x0000), 'x')]).toEqual([1, -3, 0]);
    expect([...toFloat32(of('F16', 0x3c00, 0xc200, 0x0001, 0x7bff), 'x')]).toEqual([1, -3, 2 ** -24, 65504]);
    expect([...toFloat32(of('F16', 0x7c00), 'x')]).toEqual([Number.POSITIVE_INFINITY]);
  });

  it("copies out of Node's Buffers at any offset", () => {
    const backing = Buffer.alloc(16);
    backing.writeFloatLE(1.5, 3);
    backing.writeFloatLE(-2, 7);
    const data = backing.subarray(3, 11);
    const values = toFloat32({ dtype: 'F32', shape: [2], data }, 'x');
    expect([...values]).toEqual([1.5, -2]);
    backing.fill(0);
    expect([...values]).toEqual([1.5, -2]);
  });

  it('refuses integers', () => {
    const tensor: StoredTensor = { dtype: 'I32', shape: [1], data: new Uint8Array(4) };
    expect(() => toFloat32(tensor, 'x')).toThrow(/must be F32, BF16 or F16/);
  });
});
