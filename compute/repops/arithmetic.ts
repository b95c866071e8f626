/**
 * Canonical f32: the arithmetic that every engine shares (docs/repops.md, "The arithmetic").
 *
 * A canonical value is finite, never subnormal (magnitude 0 or >= 2^-125) and never -0. Every operation
 * rounds once (IEEE 754 round to nearest even) and then applies `canon` to the bits of the result, so that
 * hardware which flushes subnormals, ignores the sign of zero or detects tininess late gives the same bits as
 * one that does not.
 */
const floatView = new Float32Array(1);
const bitView = new Uint32Array(floatView.buffer);

/** The bits of `x` rounded to f32. */
export function bitsOf(x: number): number {
  floatView[0] = x;
  return bitView[0]!;
}

/** The f32 whose bits are `bits`. */
export function floatOf(bits: number): number {
  bitView[0] = bits;
  return floatView[0]!;
}

/**
 * Rounds `x` to f32, then: exponent field 0 or 1 becomes +0; field 255 becomes the largest finite value with
 * x's sign.
 */
export function canon(x: number): number {
  floatView[0] = x;
  const bits = bitView[0]!;
  const exponent = (bits >>> 23) & 0xff;
  if (exponent <= 1) return 0;
  if (exponent === 255) {
    bitView[0] = (bits & 0x80000000) | 0x7f7fffff;
  }
  return floatView[0]!;
}

/**
 * canon(a + b); both canonical. One rounding: the sum of two f32 is exact in f64 up to innocuous double
 * rounding (2p+2 <= 53).
 */
export function add(a: number, b: number): number {
  return canon(Math.fround(a + b));
}

/** canon(a - b), which is add(a, -b): negation is exact. */
export function sub(a: number, b: number): number {
  return canon(Math.fround(a - b));
}

/** canon(a * b); both canonical. */
export function mul(a: number, b: number): number {
  return canon(Math.fround(a * b));
}

/** Smallest magnitude on the operand lattice, 2^-55. */
export const LATTICE_MIN_BITS = 0x24000000;
/** Largest magnitude on the operand lattice, 2^52. */
export const LATTICE_MAX_BITS = 0x59800000;

/**
 * Rounds a canonical value to the operand lattice: bf16 (8-bit significand, nearest even) with every nonzero
 * magnitude in [2^-55, 2^52]; a rounded magnitude below 2^-55 becomes +0, above 2^52 becomes 2^52. The
 * product of two lattice values is exact in f32, so a fused and an unfused multiply-add agree.
 */
export function lattice(x: number): number {
  const bits = bitsOf(x);
  const rounded = (bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000;
  const magnitude = (rounded & 0x7fffffff) >>> 0;
  if (magnitude < LATTICE_MIN_BITS) return 0;
  if (magnitude > LATTICE_MAX_BITS) return floatOf(((rounded & 0x80000000) | LATTICE_MAX_BITS) >>> 0);
  return floatOf(rounded >>> 0);
}

/** Terms in one block of every fixed-order fold. A judge recomputes at most this many multiply-adds. */
export const FOLD_BLOCK = 64;

/**
 * The fixed-order fold: terms 0..count-1 in blocks of 64 (aligned at 0), each block summed in order from +0,
 * the block sums then summed in order from +0. `term(i)` must be canonical.
 */
export function fold(count: number, term: (index: number) => number): number {
  let total = 0;
  for (let start = 0; start < count; start += FOLD_BLOCK) {
    const end = Math.min(start + FOLD_BLOCK, count);
    let partial = 0;
    for (let i = start; i < end; i++) partial = add(partial, term(i));
    total = add(total, partial);
  }
  return total;
}

const LARGEST_BITS = 0x7f7fffff;
const SMALLEST_BITS = 0x01000000;

/**
 * Index of the first word that is not the bits of a canonical value, or -1. Canonical are +0 and the normal
 * numbers of exponent field 2 to 254.
 */
export function findNotCanonical(words: Uint32Array): number {
  for (let i = 0; i < words.length; i++) {
    const bits = words[i]!;
    const magnitude = bits & 0x7fffffff;
    if (bits !== 0 && (magnitude < SMALLEST_BITS || magnitude > LARGEST_BITS)) return i;
  }
  return -1;
}
