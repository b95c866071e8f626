// Packing the right operand of a lattice product: 8 columns, interleaved [k][8] as f32. A lattice value fits
// 16 bits, so the rounded columns j and j + 4 share one 32-bit lane on the way: clamping and transposing cost
// half.
import { column0, column1, column2, column3, loadN } from './canon';

/** bf16, nearest even, in the upper halves of the lanes. The lower halves are not cleared. */
@inline
function rounded(v: v128): v128 {
  const odd = v128.and(i32x4.shr_u(v, 16), i32x4.splat(1));
  return i32x4.add(i32x4.add(v, odd), i32x4.splat(0x7fff));
}

/** The upper halves of `low` below those of `high`. */
@inline
function paired(low: v128, high: v128): v128 {
  return v128.shuffle<i16>(i32x4.shr_u(low, 16), high, 0, 9, 2, 11, 4, 13, 6, 15);
}

/** Lattice values of eight bf16: only the range is left. */
@inline
function clamped(pairs: v128): v128 {
  const magnitude = v128.and(pairs, i16x8.splat(0x7fff));
  const signed = v128.or(i16x8.min_s(magnitude, i16x8.splat(0x5980)), v128.and(pairs, i16x8.splat(<i16>0x8000)));
  return v128.and(signed, i16x8.gt_s(magnitude, i16x8.splat(0x23ff)));
}

/** Columns 0 to 3 of one k. */
@inline
export function lowOf(pairs: v128): v128 {
  return i32x4.shl(pairs, 16);
}

/** Columns 4 to 7 of one k. */
@inline
export function highOf(pairs: v128): v128 {
  return v128.and(pairs, i32x4.splat(<i32>0xffff0000));
}

@inline
function storePairs(dst: usize, pairs: v128): void {
  v128.store(dst, lowOf(pairs));
  v128.store(dst, highOf(pairs), 16);
}

@inline
function storeTransposed(dst: usize, a: v128, b: v128, c: v128, d: v128): void {
  storePairs(dst, column0(a, b, c, d));
  storePairs(dst + 32, column1(a, b, c, d));
  storePairs(dst + 64, column2(a, b, c, d));
  storePairs(dst + 96, column3(a, b, c, d));
}

/** Four values along k of columns j and j + 4, as pairs on the lattice; T is f32, or u16 for bf16. */
@inline
export function pairsAt<T>(low: usize, high: usize): v128 {
  return sizeof<T>() == 4
    ? clamped(paired(rounded(v128.load(low)), rounded(v128.load(high))))
    : clamped(v128.shuffle<i16>(v128.load64_zero(low), v128.load64_zero(high), 0, 8, 1, 9, 2, 10, 3, 11));
}

/** One value of columns j and j + 4 in lane 0. */
@inline
export function onePair<T>(low: usize, high: usize): v128 {
  return sizeof<T>() == 4
    ? clamped(paired(rounded(v128.load32_zero(low)), rounded(v128.load32_zero(high))))
    : clamped(i32x4.replace_lane(i32x4.splat(0), 0, <i32>load<u16>(low) | (<i32>load<u16>(high) << 16)));
}

/**
 * The lane panel dst[k][8] of columns first .. first + 7 of `count` values each, of an operand stored
 * [k][columns], or [columns][k] if `transposed`; bf16 if `half`. Columns past the last repeat others or are
 * +0: what becomes of them is dropped.
 */
export function packLanes(
  base: usize, rowBytes: usize, first: i32, columns: i32, count: i32, transposed: i32, half: i32, dst: usize,
): void {
  if (transposed) {
    if (half) packTransposed<u16>(base, rowBytes, first, columns, count, dst);
    else packTransposed<f32>(base, rowBytes, first, columns, count, dst);
  } else {
    if (half) packNeighboursBf16(base + <usize>first * 2, rowBytes, columns - first, count, dst);
    else packNeighbours(base + <usize>first * 4, rowBytes, columns - first, count, dst);
  }
}

function packTransposed<T>(base: usize, rowBytes: usize, first: i32, columns: i32, count: i32, dst: usize): void {
  const last = columns - 1;
  const r0 = base + <usize>first * rowBytes;
  const r1 = base + <usize>min(first + 1, last) * rowBytes;
  const r2 = base + <usize>min(first + 2, last) * rowBytes;
  const r3 = base + <usize>min(first + 3, last) * rowBytes;
  const r4 = base + <usize>min(first + 4, last) * rowBytes;
  const r5 = base + <usize>min(first + 5, last) * rowBytes;
  const r6 = base + <usize>min(first + 6, last) * rowBytes;
  const r7 = base + <usize>min(first + 7, last) * rowBytes;
  let k = 0;
  let at: usize = 0;
  for (; k + 4 <= count; k += 4, at += 4 * sizeof<T>(), dst += 128) {
    const a = pairsAt<T>(r0 + at, r4 + at);
    const b = pairsAt<T>(r1 + at, r5 + at);
    const c = pairsAt<T>(r2 + at, r6 + at);
    const d = pairsAt<T>(r3 + at, r7 + at);
    storeTransposed(dst, a, b, c, d);
  }
  for (; k < count; k++, at += sizeof<T>(), dst += 32) {
    const a = onePair<T>(r0 + at, r4 + at);
    const b = onePair<T>(r1 + at, r5 + at);
    const c = onePair<T>(r2 + at, r6 + at);
    const d = onePair<T>(r3 + at, r7 + at);
    storePairs(dst, column0(a, b, c, d));
  }
}

/**
 * The pairs dst[k][4] of columns first .. first + 7 of an operand stored [columns][k] with values of T (f32,
 * or u16 for bf16). Columns past the last repeat it.
 */
export function packPairs<T>(base: usize, rowBytes: usize, first: i32, columns: i32, count: i32, dst: usize): void {
  const last = columns - 1;
  const r0 = base + <usize>first * rowBytes;
  const r1 = base + <usize>min(first + 1, last) * rowBytes;
  const r2 = base + <usize>min(first + 2, last) * rowBytes;
  const r3 = base + <usize>min(first + 3, last) * rowBytes;
  const r4 = base + <usize>min(first + 4, last) * rowBytes;
  const r5 = base + <usize>min(first + 5, last) * rowBytes;
  const r6 = base + <usize>min(first + 6, last) * rowBytes;
  const r7 = base + <usize>min(first + 7, last) * rowBytes;
  let k = 0;
  let at: usize = 0;
  for (; k + 4 <= count; k += 4, at += 4 * sizeof<T>(), dst += 64) {
    const a = pairsAt<T>(r0 + at, r4 + at);
    const b = pairsAt<T>(r1 + at, r5 + at);
    const c = pairsAt<T>(r2 + at, r6 + at);
    const d = pairsAt<T>(r3 + at, r7 + at);
    v128.store(dst, column0(a, b, c, d));
    v128.store(dst, column1(a, b, c, d), 16);
    v128.store(dst, column2(a, b, c, d), 32);
    v128.store(dst, column3(a, b, c, d), 48);
  }
  for (; k < count; k++, at += sizeof<T>(), dst += 16) {
    const a = onePair<T>(r0 + at, r4 + at);
    const b = onePair<T>(r1 + at, r5 + at);
    const c = onePair<T>(r2 + at, r6 + at);
    const d = onePair<T>(r3 + at, r7 + at);
    v128.store(dst, column0(a, b, c, d));
  }
}

/** Eight neighbouring columns, `valid` of them real. */
function packNeighbours(src: usize, rowBytes: usize, valid: i32, count: i32, dst: usize): void {
  if (valid >= 8) {
    for (let k = 0; k < count; k++, src += rowBytes, dst += 32)
      storePairs(dst, clamped(paired(rounded(v128.load(src)), rounded(v128.load(src, 16)))));
    return;
  }
  for (let k = 0; k < count; k++, src += rowBytes, dst += 32) {
    const high = valid > 4 ? loadN(src + 16, valid - 4) : i32x4.splat(0);
    storePairs(dst, clamped(paired(rounded(loadN(src, valid)), rounded(high))));
  }
}

function packNeighboursBf16(src: usize, rowBytes: usize, valid: i32, count: i32, dst: usize): void {
  const zero = i32x4.splat(0);
  for (let k = 0; k < count; k++, src += rowBytes, dst += 32) {
    const values = clamped(valid >= 8 ? v128.load(src) : loadFewBf16(src, valid));
    v128.store(dst, v128.shuffle<i16>(zero, values, 0, 8, 1, 9, 2, 10, 3, 11));
    v128.store(dst, v128.shuffle<i16>(zero, values, 4, 12, 5, 13, 6, 14, 7, 15), 16);
  }
}

/** The first `count` < 8 bf16; the others are +0. */
function loadFewBf16(p: usize, count: i32): v128 {
  let v = v128.load16_splat(p);
  if (count > 1) v = v128.load_lane<i16>(p + 2, v, 1);
  if (count > 2) v = v128.load_lane<i16>(p + 4, v, 2);
  if (count > 3) v = v128.load_lane<i16>(p + 6, v, 3);
  if (count > 4) v = v128.load_lane<i16>(p + 8, v, 4);
  if (count > 5) v = v128.load_lane<i16>(p + 10, v, 5);
  if (count > 6) v = v128.load_lane<i16>(p + 12, v, 6);
  return v;
}
