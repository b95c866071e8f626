/** Canonical values, and arithmetic on them in integers alone, which shares no code with arithmetic.ts. */
import fc from 'fast-check';
import { bitsOf, canon, floatOf } from '../arithmetic.ts';

const MAX = floatOf(0x7f7fffff);

/** Any canonical value, edges often. */
export const canonical = fc
  .oneof(
    fc.nat(0xffffffff),
    fc.constantFrom(0, 0x01000000, 0x81000000, 0x7f7fffff, 0xff7fffff, 0x3f800000, 0x00ffffff, 0x3f800001),
  )
  .map((bits) => (((bits >>> 23) & 255) === 255 ? floatOf(bits & 0xff800000) : floatOf(bits)))
  .map(canon);

/** A finite f32 as integer * 2^-149. */
export function scaled(x: number): bigint {
  const bits = bitsOf(x);
  const exponent = (bits >>> 23) & 255;
  const magnitude =
    exponent === 0 ? BigInt(bits & 0x7fffff) : BigInt((bits & 0x7fffff) | 0x800000) << BigInt(exponent - 1);
  return bits >>> 31 ? -magnitude : magnitude;
}

/** canon(value * 2^-shift) with one round to nearest even, in integers alone. */
export function canonOfExact(value: bigint, shift: number): number {
  if (value === 0n) return 0;
  const negative = value < 0n;
  let m = negative ? -value : value;
  let e = -shift;
  const excess = m.toString(2).length - 24;
  if (excess > 0) {
    const cut = BigInt(excess);
    const rest = m & ((1n << cut) - 1n);
    const half = 1n << (cut - 1n);
    m >>= cut;
    e += excess;
    if (rest > half || (rest === half && (m & 1n) === 1n)) m += 1n;
  }
  // Exact: m has at most 25 bits. Two factors keep every intermediate in the range of doubles.
  const magnitude = Number(m) * 2 ** Math.trunc(e / 2) * 2 ** (e - Math.trunc(e / 2));
  const clamped = magnitude < 2 ** -125 ? 0 : Math.min(magnitude, MAX);
  return negative && clamped !== 0 ? -clamped : clamped;
}
