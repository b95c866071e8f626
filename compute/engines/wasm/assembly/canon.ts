// Canonical f32 arithmetic on four lanes (docs/repops.md, "The arithmetic").

/**
 * canon: clamp to the largest finite magnitude, then zero everything below 2^-125 (which also turns -0 into
 * +0).
 */
@inline
export function canon4(v: v128): v128 {
  const clamped = f32x4.pmax(
    f32x4.pmin(v, f32x4.splat(reinterpret<f32>(0x7f7fffff))),
    f32x4.splat(reinterpret<f32>(<u32>0xff7fffff)),
  );
  return v128.and(clamped, f32x4.ge(f32x4.abs(clamped), f32x4.splat(reinterpret<f32>(0x01000000))));
}

@inline
export function add4(a: v128, b: v128): v128 {
  return canon4(f32x4.add(a, b));
}

@inline
export function sub4(a: v128, b: v128): v128 {
  return canon4(f32x4.sub(a, b));
}

@inline
export function mul4(a: v128, b: v128): v128 {
  return canon4(f32x4.mul(a, b));
}

@inline
export function splat(x: f32): v128 {
  return f32x4.splat(x);
}

export function canon1(x: f32): f32 {
  return f32x4.extract_lane(canon4(f32x4.splat(x)), 0);
}

@inline
export function add1(a: f32, b: f32): f32 {
  return canon1(a + b);
}

@inline
export function sub1(a: f32, b: f32): f32 {
  return canon1(a - b);
}

@inline
export function mul1(a: f32, b: f32): f32 {
  return canon1(a * b);
}

/** Rounds to the operand lattice: bf16, nearest even, nonzero magnitudes in [2^-55, 2^52]. */
@inline
export function lattice4(v: v128): v128 {
  const odd = v128.and(i32x4.shr_u(v, 16), i32x4.splat(1));
  const rounded = v128.and(i32x4.add(i32x4.add(v, odd), i32x4.splat(0x7fff)), i32x4.splat(<i32>0xffff0000));
  const clamped = f32x4.pmax(
    f32x4.pmin(rounded, f32x4.splat(reinterpret<f32>(0x59800000))),
    f32x4.splat(reinterpret<f32>(<u32>0xd9800000)),
  );
  return v128.and(clamped, f32x4.ge(f32x4.abs(clamped), f32x4.splat(reinterpret<f32>(0x24000000))));
}

/** Loads min(count, 4) f32; the other lanes are +0. */
@inline
export function loadN(p: usize, count: i32): v128 {
  return count >= 4 ? v128.load(p) : loadTail(p, count);
}

function loadTail(p: usize, count: i32): v128 {
  let v = v128.load32_zero(p);
  if (count > 1) v = v128.load_lane<f32>(p + 4, v, 1);
  if (count > 2) v = v128.load_lane<f32>(p + 8, v, 2);
  return v;
}

/** Stores the first min(count, 4) lanes. */
@inline
export function storeN(p: usize, v: v128, count: i32): void {
  if (count >= 4) v128.store(p, v);
  else storeTail(p, v, count);
}

function storeTail(p: usize, v: v128, count: i32): void {
  v128.store_lane<f32>(p, v, 0);
  if (count > 1) v128.store_lane<f32>(p + 4, v, 1);
  if (count > 2) v128.store_lane<f32>(p + 8, v, 2);
}

// Column i of the 4x4 matrix with rows a, b, c, d.
@inline
export function column0(a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.shuffle<f32>(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 0, 4, 1, 5), 0, 1, 4, 5);
}
@inline
export function column1(a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.shuffle<f32>(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 0, 4, 1, 5), 2, 3, 6, 7);
}
@inline
export function column2(a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.shuffle<f32>(v128.shuffle<f32>(a, b, 2, 6, 3, 7), v128.shuffle<f32>(c, d, 2, 6, 3, 7), 0, 1, 4, 5);
}
@inline
export function column3(a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.shuffle<f32>(v128.shuffle<f32>(a, b, 2, 6, 3, 7), v128.shuffle<f32>(c, d, 2, 6, 3, 7), 2, 3, 6, 7);
}

/** The largest of four canonical values. */
@inline
export function horizontalMax(v: v128): f32 {
  const a = f32x4.pmax(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.pmax(a, v128.shuffle<f32>(a, a, 1, 0, 3, 2)), 0);
}
