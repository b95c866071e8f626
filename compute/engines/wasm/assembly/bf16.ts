// Operands stored as bf16: the upper halves of f32. Read by their bits, so that infinities and NaNs have a
// meaning too.
import { argument, firstItem, size } from './step';
import { INDEX_OUT_OF_RANGE } from './layers';

/** canon of four bf16 in the upper halves of the lanes. */
@inline
function canonBf16(v: v128): v128 {
  const magnitude = v128.and(v, i32x4.splat(0x7fffffff));
  const finite = v128.bitselect(i32x4.splat(0x7f7fffff), magnitude, i32x4.gt_s(magnitude, i32x4.splat(0x7f7fffff)));
  const signed = v128.or(finite, v128.and(v, i32x4.splat(<i32>0x80000000)));
  return v128.and(signed, i32x4.gt_s(magnitude, i32x4.splat(0x00ffffff)));
}

/** Four bf16 from `p` into the upper halves of the lanes. */
@inline
function widen(p: usize): v128 {
  return i32x4.shl(i32x4.extend_low_i16x8_u(v128.load64_zero(p)), 16);
}

/** Arguments: 1 ids, 2 table bf16, 3 y, 4 N, 5 V, 6 D. */
export function embedBf16(step: usize, thread: i32, threads: i32): i32 {
  const ids = <usize>argument(step, 1);
  const N = size(step, 4);
  const V = argument(step, 5);
  const D = size(step, 6);
  for (let n = firstItem(N, thread, threads), end = firstItem(N, thread + 1, threads); n < end; n++) {
    const id = load<u32>(ids + <usize>n * 4);
    if (id >= V) return INDEX_OUT_OF_RANGE;
    const from = <usize>argument(step, 2) + <usize>id * <usize>D * 2;
    const to = <usize>argument(step, 3) + <usize>n * <usize>D * 4;
    let d = 0;
    for (; d + 4 <= D; d += 4) v128.store(to + <usize>d * 4, canonBf16(widen(from + <usize>d * 2)));
    for (; d < D; d++) {
      const bits = i32x4.splat(<i32>load<u16>(from + <usize>d * 2) << 16);
      store<f32>(to + <usize>d * 4, f32x4.extract_lane(canonBf16(bits), 0));
    }
  }
  return 0;
}
