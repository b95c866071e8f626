/**
 * What a block hands to the next one over a network: values rounded to bf16, rows of signed bytes.
 * Definitions: docs/repops.md.
 */
import { bitsOf, floatOf, mul } from '../../repops/arithmetic.ts';
import type { Call } from './call.ts';

/** The largest finite bf16. */
const MAX_BF16 = 0x7f7f0000;

/** bf16, nearest even, at most the largest finite bf16. */
export function roundBf16({ inputs, outputs }: Call<'round.bf16'>): void {
  const { y } = outputs;
  for (let i = 0; i < y.length; i++) {
    const bits = bitsOf(inputs.x[i]!);
    const magnitude = bits & 0x7fffffff;
    const rounded = (magnitude + 0x7fff + ((magnitude >>> 16) & 1)) & 0x7fff0000;
    y[i] = floatOf(((bits & 0x80000000) | Math.min(rounded, MAX_BF16)) >>> 0);
  }
}

/**
 * Field of the exponent of a row's scale: six below the row's largest, so that the largest byte is from 64 to
 * 127, but at least that of 2^-125, the least canonical value.
 */
function scaleField(row: Float32Array): number {
  let largest = 0;
  for (const x of row) largest = Math.max(largest, (bitsOf(x) >>> 23) & 0xff);
  return Math.max(largest - 6, 2);
}

/** The integer nearest to x / 2^(field - 127), the even one of two, within -127 .. 127. */
function byteOf(x: number, field: number): number {
  const bits = bitsOf(x);
  const significand = (bits & 0x7fffff) | 0x800000;
  const shift = 23 + field - ((bits >>> 23) & 0xff);
  // Less than half of the least step, and 0, whose exponent field is 0.
  if (shift > 24) return 0;
  const whole = significand >>> shift;
  const rest = significand & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  const rounded = rest > half || (rest === half && (whole & 1) === 1) ? whole + 1 : whole;
  const limited = Math.min(rounded, 127);
  return bits >>> 31 === 1 ? -limited : limited;
}

export function quantInt8({ attributes, inputs, outputs }: Call<'quant.int8'>): void {
  const { N, D } = attributes;
  for (let n = 0; n < N; n++) {
    const row = inputs.x.subarray(n * D, (n + 1) * D);
    const field = scaleField(row);
    outputs.scale[n] = floatOf(field << 23);
    for (let d = 0; d < D; d += 4) {
      let word = 0;
      for (let i = 0; i < 4; i++) word |= (byteOf(row[d + i]!, field) & 0xff) << (8 * i);
      outputs.q[(n * D + d) / 4] = word >>> 0;
    }
  }
}

export function dequantInt8({ attributes, inputs, outputs }: Call<'dequant.int8'>): void {
  const { D } = attributes;
  const { y } = outputs;
  for (let i = 0; i < y.length; i++) {
    // The byte moves to the top of the word, and its sign fills the word from there.
    const byte = (inputs.q[i >>> 2]! << (24 - 8 * (i % 4))) >> 24;
    y[i] = mul(byte, inputs.scale[Math.floor(i / D)]!);
  }
}
