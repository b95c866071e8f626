import { describe, expect, it } from 'vitest';
import { generator } from '../../compute/engines/testing/generator.ts';
import { toHex } from '../../protocol/hex.ts';
import { checkpointRoot, tensorLeafData, tensorRoot, tensorRootOfPieces } from './root.ts';
import { SafetensorsError, type StoredTensor } from './safetensors.ts';

const EMPTY = new Uint8Array();
const fileOf = (name: string, tensor: StoredTensor) => ({
  tensors: new Map([[name, tensor]]),
  metadata: new Map<string, string>(),
});

describe('the root of a checkpoint', () => {
  it('refuses sizes that 32 bits would cut, which had the root of smaller ones', () => {
    const cut: StoredTensor = { dtype: 'F32', shape: [0, 0], data: EMPTY };
    const whole: StoredTensor = { dtype: 'F32', shape: [0, 2 ** 32], data: EMPTY };
    expect(checkpointRoot(fileOf('n', cut))).toMatch(/^0x/);
    expect(() => checkpointRoot(fileOf('n', whole))).toThrow(SafetensorsError);
    expect(() => checkpointRoot(fileOf('n', { ...whole, shape: [0, 0.5] }))).toThrow('32 bits');
  });

  it('refuses names that could be read as another name, dtype and size', () => {
    const sized: StoredTensor = { dtype: 'F32', shape: [945029185, 0], data: EMPTY };
    const named: StoredTensor = { dtype: 'U8', shape: [0], data: EMPTY };
    expect(checkpointRoot(fileOf('n', sized))).toMatch(/^0x/);
    expect(() => checkpointRoot(fileOf('n\0F32A', named))).toThrow(SafetensorsError);
    expect(() => checkpointRoot(fileOf('n\ud800', named))).toThrow('plain text');
  });

  it('gives no two tensors the same leaf', () => {
    const random = generator(7);
    const below = (limit: number) => Math.floor(random() * limit);
    const dtypes = [
      'BOOL',
      'U8',
      'I8',
      'F8_E4M3',
      'F8_E5M2',
      'I16',
      'F16',
      'BF16',
      'I32',
      'F32',
      'F64',
    ] as const;
    const letters = ['n', 'F', '3', '2', 'U', '8', 'A', '.', 'é'];
    const leaves = new Map<string, string>();
    for (let i = 0; i < 20_000; i++) {
      const name = Array.from({ length: below(4) }, () => letters[below(letters.length)]).join('');
      const dtype = dtypes[below(dtypes.length)] ?? 'F32';
      const shape = Array.from({ length: below(4) }, () => (below(2) === 0 ? below(3) : below(2 ** 32)));
      const leaf = toHex(tensorLeafData(name, { dtype, shape, data: EMPTY }));
      const tensor = JSON.stringify({ name, dtype, shape });
      expect(leaves.get(leaf) ?? tensor).toBe(tensor);
      leaves.set(leaf, tensor);
    }
  });
});

describe('the root of a tensor in pieces', () => {
  const bytes = Uint8Array.from({ length: 5 * 4096 + 7 }, (_, i) => (i * 31) >>> 3);
  async function* cut(...ends: readonly number[]): AsyncGenerator<Uint8Array> {
    for (const [i, end] of ends.entries()) yield bytes.subarray(ends[i - 1] ?? 0, end);
  }

  it('is that of the whole, however it is cut between leaves', async () => {
    const whole = tensorRoot(bytes);
    for (const ends of [[], [4096], [8192, 4 * 4096], [4096, 8192, 5 * 4096]])
      expect(await tensorRootOfPieces(cut(...ends, bytes.length))).toEqual(whole);
    expect(await tensorRootOfPieces(cut())).toEqual(tensorRoot(EMPTY));
  });

  it('is refused for a piece that ends within a leaf', async () => {
    await expect(tensorRootOfPieces(cut(4095, bytes.length))).rejects.toThrow(RangeError);
  });
});
