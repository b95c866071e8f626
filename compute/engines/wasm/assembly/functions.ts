// The elementary functions of compute/repops/functions.ts on four lanes. Steps on which canon is the identity
// for every canonical argument are written without it; the reason stands beside each function.
import { canon4, mul1, mul4, sub1 } from './canon';

const MAX_FINITE: f32 = reinterpret<f32>(0x7f7fffff);

/**
 * No canon: n * LN2_HI is exact, r is x itself (n = 0) or a multiple of 2^-50; a product with r that would be
 * flushed is added to something 2^24 times larger; the rest lies in [0.3, 2]. For -87 <= x <= 88 the scaled
 * exponent field is at least 0 and at most 254, so only its lower saturation is left.
 */
@inline
export function exp4(x: v128): v128 {
  const shifted = f32x4.add(f32x4.mul(x, f32x4.splat(reinterpret<f32>(0x3fb8aa3b))), f32x4.splat(reinterpret<f32>(0x4b400000)));
  const n = i32x4.sub(shifted, i32x4.splat(0x4b400000));
  const nf = f32x4.convert_i32x4_s(n);
  const r = f32x4.sub(
    f32x4.sub(x, f32x4.mul(nf, f32x4.splat(reinterpret<f32>(0x3f318000)))),
    f32x4.mul(nf, f32x4.splat(reinterpret<f32>(<u32>0xb95e8083))),
  );
  let p = f32x4.splat(reinterpret<f32>(0x39506967));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(reinterpret<f32>(0x3ab743ce)));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(reinterpret<f32>(0x3c088908)));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(reinterpret<f32>(0x3d2aa9c1)));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(reinterpret<f32>(0x3e2aaaaa)));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(reinterpret<f32>(0x3f000000)));
  p = f32x4.add(f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r), f32x4.splat(1));
  const scaled = i32x4.add(p, i32x4.shl(n, 23));
  const kept = v128.and(scaled, i32x4.gt_s(scaled, i32x4.splat(0x00ffffff)));
  const low = v128.andnot(kept, f32x4.lt(x, f32x4.splat(-87)));
  return v128.bitselect(f32x4.splat(MAX_FINITE), low, f32x4.gt(x, f32x4.splat(88)));
}

/**
 * No canon inside: the guess is within 12 % of 1 / x, whose magnitude lies in [2^-124, 2^125] for the x that
 * reach it.
 */
@inline
export function recip4(x: v128): v128 {
  const magnitude = v128.and(x, i32x4.splat(0x7fffffff));
  const sign = v128.andnot(x, i32x4.splat(0x7fffffff));
  const two = f32x4.splat(2);
  let y = i32x4.sub(i32x4.splat(0x7ef311c3), magnitude);
  y = f32x4.mul(y, f32x4.sub(two, f32x4.mul(magnitude, y)));
  y = f32x4.mul(y, f32x4.sub(two, f32x4.mul(magnitude, y)));
  y = f32x4.mul(y, f32x4.sub(two, f32x4.mul(magnitude, y)));
  y = f32x4.mul(y, f32x4.sub(two, f32x4.mul(magnitude, y)));
  const finite = v128.andnot(v128.or(y, sign), i32x4.ge_s(magnitude, i32x4.splat(0x7d800000)));
  return v128.bitselect(f32x4.splat(MAX_FINITE), finite, i32x4.eq(magnitude, i32x4.splat(0)));
}

/**
 * Only half of x needs canon (it is flushed for x < 2^-124); every later value is near sqrt(x), 1 / sqrt(x)
 * or 1.
 */
@inline
export function rsqrt4(x: v128): v128 {
  const half = mul4(f32x4.splat(0.5), x);
  const threeHalves = f32x4.splat(1.5);
  let y = i32x4.sub(i32x4.splat(0x5f375a86), i32x4.shr_u(x, 1));
  y = f32x4.mul(y, f32x4.sub(threeHalves, f32x4.mul(f32x4.mul(half, y), y)));
  y = f32x4.mul(y, f32x4.sub(threeHalves, f32x4.mul(f32x4.mul(half, y), y)));
  y = f32x4.mul(y, f32x4.sub(threeHalves, f32x4.mul(f32x4.mul(half, y), y)));
  y = f32x4.mul(y, f32x4.sub(threeHalves, f32x4.mul(f32x4.mul(half, y), y)));
  return v128.bitselect(y, f32x4.splat(MAX_FINITE), f32x4.gt(x, f32x4.splat(0)));
}

@inline
export function sqrt4(x: v128): v128 {
  return v128.and(f32x4.mul(x, rsqrt4(x)), f32x4.gt(x, f32x4.splat(0)));
}

/**
 * No canon: f is 0 or at least 2^-24 in magnitude, and sums cancel to 0 or to a multiple of 2^-60. A -0 from
 * 0 * LN2_LO vanishes in its sum.
 */
@inline
export function log4(x: v128): v128 {
  const e = i32x4.shr_s(i32x4.sub(x, i32x4.splat(0x3f3504f3)), 23);
  const m = i32x4.sub(x, i32x4.shl(e, 23));
  const f = f32x4.sub(m, f32x4.splat(1));
  const s = f32x4.mul(f, recip4(f32x4.add(f32x4.splat(2), f)));
  const z = f32x4.mul(s, s);
  let p = f32x4.splat(reinterpret<f32>(0x3de38e39));
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(reinterpret<f32>(0x3e124925)));
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(reinterpret<f32>(0x3e4ccccd)));
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(reinterpret<f32>(0x3eaaaaab)));
  const twoS = f32x4.add(s, s);
  const ef = f32x4.convert_i32x4_s(e);
  const low = f32x4.add(
    f32x4.mul(ef, f32x4.splat(reinterpret<f32>(<u32>0xb95e8083))),
    f32x4.mul(twoS, f32x4.mul(p, z)),
  );
  const y = canon4(f32x4.add(f32x4.mul(ef, f32x4.splat(reinterpret<f32>(0x3f318000))), f32x4.add(twoS, low)));
  return v128.bitselect(y, f32x4.splat(-MAX_FINITE), f32x4.gt(x, f32x4.splat(0)));
}

/** exp(-x) + 1 is at least 1 and, at its largest, absorbs the 1. */
@inline
export function sigmoid4(x: v128): v128 {
  return recip4(f32x4.add(f32x4.splat(1), exp4(f32x4.neg(x))));
}

export function exp1(x: f32): f32 {
  return f32x4.extract_lane(exp4(f32x4.splat(x)), 0);
}
export function recip1(x: f32): f32 {
  return f32x4.extract_lane(recip4(f32x4.splat(x)), 0);
}
export function sqrt1(x: f32): f32 {
  return f32x4.extract_lane(sqrt4(f32x4.splat(x)), 0);
}
export function log1(x: f32): f32 {
  return f32x4.extract_lane(log4(f32x4.splat(x)), 0);
}
/** recip(x) of a canonical x, times a, with canon. */
export function divide1(a: f32, x: f32): f32 {
  return mul1(a, recip1(x));
}
export function expOfDifference1(a: f32, b: f32): f32 {
  return exp1(sub1(a, b));
}
