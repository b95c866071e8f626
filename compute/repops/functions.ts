/**
 * The elementary functions of RepOps as straight-line programs of canonical add and mul, integer bit
 * operations, comparisons and selects. Each engine (TypeScript, AssemblyScript, WGSL, Solidity) writes out
 * exactly these steps. Constants are given by their bits so that no parser's rounding matters. All arguments
 * and results are canonical.
 */
import { add, bitsOf, canon, floatOf, mul, sub } from './arithmetic.ts';

export const MAX_FINITE = floatOf(0x7f7fffff);

/** 1.5 * 2^23: adding it rounds |x| < 2^22 to an integer, left in the low bits. */
const ROUND_MAGIC = floatOf(0x4b400000);
const ROUND_MAGIC_BITS = 0x4b400000;

/**
 * 1 / x to about 1 ulp: a bit-level first guess and four Newton steps y = y * (2 - x * y).
 * x = 0 gives the largest finite value; |x| >= 2^124 gives 0.
 */
export function recip(x: number): number {
  const bits = bitsOf(x);
  const magnitude = (bits & 0x7fffffff) >>> 0;
  if (magnitude === 0) return MAX_FINITE;
  if (magnitude >= 0x7d800000) return 0;
  const sign = bits & 0x80000000;
  const m = floatOf(magnitude);
  let y = canon(floatOf(0x7ef311c3 - magnitude));
  for (let i = 0; i < 4; i++) y = mul(y, sub(2, mul(m, y)));
  return canon(floatOf((bitsOf(y) | sign) >>> 0));
}

/**
 * 1 / sqrt(x) to about 1 ulp: a bit-level first guess and four Newton steps. x <= 0 gives the largest finite
 * value. Below 2^-124 half of x is no longer canonical and the steps only multiply the guess by 1.5: the
 * result is defined, not accurate.
 */
export function rsqrt(x: number): number {
  if (!(x > 0)) return MAX_FINITE;
  const half = mul(0.5, x);
  let y = floatOf(0x5f375a86 - (bitsOf(x) >>> 1));
  for (let i = 0; i < 4; i++) y = mul(y, sub(1.5, mul(mul(half, y), y)));
  return y;
}

/** sqrt(x) = x * rsqrt(x); x <= 0 gives 0. */
export function sqrt(x: number): number {
  if (!(x > 0)) return 0;
  return mul(x, rsqrt(x));
}

const LOG2_E = floatOf(0x3fb8aa3b);
const LN2_HI = floatOf(0x3f318000); // 0.693359375, 9 significant bits: n * LN2_HI is exact for |n| < 2^15
const LN2_LO = floatOf(0xb95e8083); // -2.12194440e-4
/** Taylor-minimax coefficients of exp on [-ln2/2, ln2/2], highest power first (Cephes expf's scheme). */
const EXP_COEFFICIENTS = [
  floatOf(0x39506967), // 1.9875691500e-4
  floatOf(0x3ab743ce), // 1.3981999507e-3
  floatOf(0x3c088908), // 8.3334519073e-3
  floatOf(0x3d2aa9c1), // 4.1665795894e-2
  floatOf(0x3e2aaaaa), // 1.6666665459e-1
  floatOf(0x3f000000), // 0.5
] as const;

/** e^x to about 2 ulp. x < -87 gives 0; x > 88 gives the largest finite value. */
export function exp(x: number): number {
  if (x < -87) return 0;
  if (x > 88) return MAX_FINITE;
  const n = (bitsOf(add(mul(x, LOG2_E), ROUND_MAGIC)) - ROUND_MAGIC_BITS) | 0;
  const r = sub(sub(x, mul(n, LN2_HI)), mul(n, LN2_LO));
  let p: number = EXP_COEFFICIENTS[0];
  for (let i = 1; i < EXP_COEFFICIENTS.length; i++) p = add(mul(p, r), EXP_COEFFICIENTS[i]!);
  p = add(add(mul(p, mul(r, r)), r), 1);
  return scaleByPowerOfTwo(p, n);
}

/**
 * p * 2^n on the exponent field, saturating: a field <= 1 gives 0, >= 255 gives the largest finite value. p >
 * 0 is canonical.
 */
function scaleByPowerOfTwo(p: number, n: number): number {
  const bits = bitsOf(p);
  const exponent = (bits >>> 23) + n;
  if (exponent <= 1) return 0;
  if (exponent >= 255) return MAX_FINITE;
  return floatOf(((bits & 0x007fffff) | (exponent << 23)) >>> 0);
}

/**
 * ln(x) to about 3 ulp by s = f / (2 + f) and an odd polynomial in s. x <= 0 gives minus the largest finite
 * value.
 */
export function log(x: number): number {
  if (!(x > 0)) return -MAX_FINITE;
  const bits = bitsOf(x);
  // Split x = m * 2^e with m in [sqrt(1/2), sqrt(2)): subtracting sqrt(1/2)'s bits makes the exponent carry
  // do it.
  const e = ((bits - 0x3f3504f3) | 0) >> 23;
  const m = floatOf((bits - (e << 23)) >>> 0);
  const f = sub(m, 1);
  const s = mul(f, recip(add(2, f)));
  const z = mul(s, s);
  let p = floatOf(0x3de38e39); // 1/9
  p = add(mul(p, z), floatOf(0x3e124925)); // 1/7
  p = add(mul(p, z), floatOf(0x3e4ccccd)); // 1/5
  p = add(mul(p, z), floatOf(0x3eaaaaab)); // 1/3
  const twoS = add(s, s);
  const low = add(mul(e, LN2_LO), mul(twoS, mul(p, z)));
  return add(mul(e, LN2_HI), add(twoS, low));
}

/** 1 / (1 + e^-x). */
export function sigmoid(x: number): number {
  return recip(add(1, exp(-x === 0 ? 0 : -x)));
}

const TWO_OVER_PI = floatOf(0x3f22f983);
const HALF_PI_1 = floatOf(0x3fc90000); // 1.5703125, 8 significant bits
const HALF_PI_2 = floatOf(0x39fda000); // 4.8375129699707031e-4
const HALF_PI_3 = floatOf(0x33a22168); // 7.5497899548918821e-8

/**
 * [sin x, cos x] for |x| < 2^16 (to 2^-23 for |x| < 2^12, to 2^-19 beyond) by Cody-Waite reduction and
 * Cephes' polynomials on [-pi/4, pi/4].
 */
export function sinCos(x: number): [sin: number, cos: number] {
  const n = (bitsOf(add(mul(x, TWO_OVER_PI), ROUND_MAGIC)) - ROUND_MAGIC_BITS) | 0;
  const r = sub(sub(sub(x, mul(n, HALF_PI_1)), mul(n, HALF_PI_2)), mul(n, HALF_PI_3));
  const z = mul(r, r);
  let s = floatOf(0xb94ca1f9); // -1.9515295891e-4
  s = add(mul(s, z), floatOf(0x3c08839e)); // 8.3321608736e-3
  s = add(mul(s, z), floatOf(0xbe2aaaa3)); // -1.6666654611e-1
  s = add(mul(mul(s, z), r), r);
  let c = floatOf(0x37ccf5ce); // 2.443315711809948e-5
  c = add(mul(c, z), floatOf(0xbab6061a)); // -1.388731625493765e-3
  c = add(mul(c, z), floatOf(0x3d2aaaa5)); // 4.166664568298827e-2
  c = add(sub(mul(mul(c, z), z), mul(0.5, z)), 1);
  const quadrant = n & 3;
  const sin = (quadrant & 1) === 0 ? s : c;
  const cos = (quadrant & 1) === 0 ? c : s;
  return [canon((quadrant & 2) === 0 ? sin : -sin), canon(quadrant === 1 || quadrant === 2 ? -cos : cos)];
}
