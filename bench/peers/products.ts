/**
 * The matrix products of Qwen2.5-0.5B: width 896, inner width 4,864, 128 for keys and values, 151,936 tokens.
 */
export interface Product {
  readonly name: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
  /**
   * How the model holds the operands; a peer gets them as its own product likes them best, [M, K] and [K, N].
   */
  readonly transposeA: 0 | 1;
  readonly transposeB: 0 | 1;
}

export type Size = 'small' | 'full';

const [D, F, V] = [896, 4864, 151_936];
/** Tokens of a prompt or a batch, and the part of the vocabulary that a product goes over. */
const SIZES = {
  small: { tokens: 32, vocabulary: 2048 },
  full: { tokens: 512, vocabulary: V },
} as const satisfies Record<Size, { tokens: number; vocabulary: number }>;

/** `small` ends in minutes on a GPU that the CPU plays; `full` is for a real one. */
export function qwenProducts(size: Size): readonly Product[] {
  const { tokens: T, vocabulary } = SIZES[size];
  const forward = (name: string, M: number, N: number, K: number): Product => ({
    name,
    M,
    N,
    K,
    transposeA: 0,
    transposeB: 1,
  });
  return [
    forward('prefill/q,o', T, D, D),
    forward('prefill/gate,up', T, F, D),
    forward('prefill/down', T, D, F),
    forward('prefill/head', T, vocabulary, D),
    forward('decode/q,o', 1, D, D),
    forward('decode/gate,up', 1, F, D),
    forward('decode/down', 1, D, F),
    forward('decode/head', 1, vocabulary, D),
    // dX = dY W and dW = dY^T X of the up projection.
    { name: 'backward/dX', M: T, N: D, K: F, transposeA: 0, transposeB: 0 },
    { name: 'backward/dW', M: F, N: D, K: T, transposeA: 1, transposeB: 0 },
  ];
}

/** Whether b is a weight as a checkpoint has it. */
export function isByWeights({ transposeA, transposeB }: Product): boolean {
  return transposeA === 0 && transposeB === 1;
}

/**
 * Whole numbers from -8 to 7, row after row of [rows, columns]: any order of any such sum up to 2^18 terms is
 * exact in f32, so that every right implementation gives equal bits.
 */
export function operand(rows: number, columns: number, seed: number): Float32Array {
  return Float32Array.from(
    { length: rows * columns },
    (_, i) => (Math.imul(i + seed * 7919, 0x9e3779b1) >>> 28) - 8,
  );
}

/** `values` [rows, columns] as [columns, rows]. */
export function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) out[c * rows + r] = values[r * columns + c] ?? 0;
  }
  return out;
}
