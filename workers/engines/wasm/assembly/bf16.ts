// Operands stored as bf16: the upper halves of f32. Read by their bits, so that infinities and NaNs have a meaning too.
import { column0, column1, column2, column3, share, size, word } from './canon';
import { INDEX_OUT_OF_RANGE } from './layers';
import { LANES } from './panels';

/** canon of four bf16 in the upper halves of the lanes. */
@inline
function canonBf16(v: v128): v128 {
  const magnitude = v128.and(v, i32x4.splat(0x7fffffff));
  const finite = v128.bitselect(i32x4.splat(0x7f7fffff), magnitude, i32x4.gt_s(magnitude, i32x4.splat(0x7f7fffff)));
  const signed = v128.or(finite, v128.and(v, i32x4.splat(<i32>0x80000000)));
  return v128.and(signed, i32x4.gt_s(magnitude, i32x4.splat(0x00ffffff)));
}

/** The lattice value of four bf16 in the upper halves of the lanes: they are rounded already, only the range is left. */
@inline
function latticeBf16(v: v128): v128 {
  const magnitude = v128.and(v, i32x4.splat(0x7fffffff));
  const signed = v128.or(i32x4.min_s(magnitude, i32x4.splat(0x59800000)), v128.and(v, i32x4.splat(<i32>0x80000000)));
  return v128.and(signed, i32x4.gt_s(magnitude, i32x4.splat(0x23ffffff)));
}

/** Four bf16 from `p` into the upper halves of the lanes. */
@inline
function widen(p: usize): v128 {
  return i32x4.shl(i32x4.extend_low_i16x8_u(v128.load64_zero(p)), 16);
}

/** Up to four bf16; the other lanes are +0. */
function widenN(p: usize, count: i32): v128 {
  if (count >= 4) return widen(p);
  let v = i32x4.splat(0);
  v = i32x4.replace_lane(v, 0, <i32>load<u16>(p));
  if (count > 1) v = i32x4.replace_lane(v, 1, <i32>load<u16>(p, 2));
  if (count > 2) v = i32x4.replace_lane(v, 2, <i32>load<u16>(p, 4));
  return i32x4.shl(v, 16);
}

/** Four rows of `count` bf16, interleaved as lattice values into dst[k][8]. */
function packRowsBf16(r0: usize, r1: usize, r2: usize, r3: usize, count: i32, dst: usize): void {
  let k = 0;
  for (; k + 4 <= count; k += 4) {
    const at = <usize>k * 2;
    const a = latticeBf16(widen(r0 + at));
    const b = latticeBf16(widen(r1 + at));
    const c = latticeBf16(widen(r2 + at));
    const d = latticeBf16(widen(r3 + at));
    v128.store(dst, column0(a, b, c, d));
    v128.store(dst, column1(a, b, c, d), 32);
    v128.store(dst, column2(a, b, c, d), 64);
    v128.store(dst, column3(a, b, c, d), 96);
    dst += 128;
  }
  for (; k < count; k++) {
    const at = <usize>k * 2;
    const v = i32x4(load<u16>(r0 + at), load<u16>(r1 + at), load<u16>(r2 + at), load<u16>(r3 + at));
    v128.store(dst, latticeBf16(i32x4.shl(v, 16)));
    dst += 32;
  }
}

/**
 * The lane panel dst[k][8] of columns first .. first + 7 of a bf16 operand stored [K, columns], or [columns, K] if
 * `transposed`. Columns past the end repeat others; their results are dropped.
 */
export function packLanesBf16(
  base: usize, rowBytes: usize, first: i32, columns: i32, K: i32, transposed: i32, dst: usize,
): void {
  for (let half = 0; half < LANES; half += 4) {
    const start = first + half < columns ? first + half : first;
    const to = dst + <usize>half * 4;
    if (transposed) {
      const last = columns - 1;
      packRowsBf16(
        base + <usize>min(start, last) * rowBytes,
        base + <usize>min(start + 1, last) * rowBytes,
        base + <usize>min(start + 2, last) * rowBytes,
        base + <usize>min(start + 3, last) * rowBytes,
        K,
        to,
      );
    } else {
      let from = base + <usize>start * 2;
      const valid = columns - start;
      for (let k = 0; k < K; k++) {
        v128.store(to + <usize>k * 32, latticeBf16(widenN(from, valid)));
        from += rowBytes;
      }
    }
  }
}

/** Words: 1 ids, 2 table bf16, 3 y, 4 N, 5 V, 6 D. */
export function embedBf16(step: usize, thread: i32, threads: i32): i32 {
  const ids = <usize>word(step, 1);
  const N = size(step, 4);
  const V = word(step, 5);
  const D = size(step, 6);
  for (let n = share(N, thread, threads), end = share(N, thread + 1, threads); n < end; n++) {
    const id = load<u32>(ids + <usize>n * 4);
    if (id >= V) return INDEX_OUT_OF_RANGE;
    const from = <usize>word(step, 2) + <usize>id * <usize>D * 2;
    const to = <usize>word(step, 3) + <usize>n * <usize>D * 4;
    let d = 0;
    for (; d + 4 <= D; d += 4) v128.store(to + <usize>d * 4, canonBf16(widen(from + <usize>d * 2)));
    for (; d < D; d++) {
      const bits = i32x4.splat(<i32>load<u16>(from + <usize>d * 2) << 16);
      store<f32>(to + <usize>d * 4, f32x4.extract_lane(canonBf16(bits), 0));
    }
  }
  return 0;
}
