// What a block hands to the next one over a network: values rounded to bf16, rows of signed bytes.
import { mul4, splat } from './canon';
import { argument, firstItem, size } from './step';

/** The exponents of four values, in place. */
@inline
function exponents(v: v128): v128 {
  return v128.and(v, i32x4.splat(0x7f800000));
}

/** Arguments: 1 x, 2 y, 3 len. */
export function roundBf16(step: usize, thread: i32, threads: i32): i32 {
  const vectors = (size(step, 3) + 3) / 4;
  for (let i = firstItem(vectors, thread, threads), end = firstItem(vectors, thread + 1, threads); i < end; i++) {
    const at = <usize>i * 16;
    const bits = v128.load(<usize>argument(step, 1) + at);
    const magnitude = v128.and(bits, i32x4.splat(0x7fffffff));
    const odd = v128.and(i32x4.shr_u(magnitude, 16), i32x4.splat(1));
    const rounded = i32x4.add(i32x4.add(magnitude, odd), i32x4.splat(0x7fff));
    // A carry out of the largest values reaches infinity, never the sign.
    const limited = i32x4.min_s(v128.and(rounded, i32x4.splat(0x7fff0000)), i32x4.splat(0x7f7f0000));
    v128.store(<usize>argument(step, 2) + at, v128.or(limited, v128.and(bits, i32x4.splat(<i32>0x80000000))));
  }
  return 0;
}

/** Arguments: 1 x, 2 q, 3 scale, 4 N, 5 D, which is a multiple of 4. */
export function quantInt8(step: usize, thread: i32, threads: i32): i32 {
  const N = size(step, 4);
  const bytes = <usize>argument(step, 5) * 4;
  for (let n = firstItem(N, thread, threads), end = firstItem(N, thread + 1, threads); n < end; n++) {
    const x = <usize>argument(step, 1) + <usize>n * bytes;
    const q = <usize>argument(step, 2) + ((<usize>n * bytes) >> 2);
    let most = i32x4.splat(0);
    for (let at: usize = 0; at < bytes; at += 16) most = i32x4.max_s(most, exponents(v128.load(x + at)));
    most = i32x4.max_s(most, v128.shuffle<i32>(most, most, 2, 3, 0, 1));
    most = i32x4.max_s(most, v128.shuffle<i32>(most, most, 1, 0, 3, 2));
    const scale = max(i32x4.extract_lane(most, 0) - (6 << 23), 2 << 23);
    store<i32>(<usize>argument(step, 3) + <usize>n * 4, scale);
    // 1 / scale. A product that would be subnormal is nearest to 0, flushed or not.
    const inverse = f32x4.splat(reinterpret<f32>((254 << 23) - scale));
    for (let at: usize = 0; at < bytes; at += 16) {
      const whole = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(x + at), inverse)));
      const limited = i32x4.max_s(i32x4.min_s(whole, i32x4.splat(127)), i32x4.splat(-127));
      // The lowest bytes of the four lanes.
      v128.store32_lane(q + (at >> 2), v128.shuffle<i8>(limited, limited, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12), 0);
    }
  }
  return 0;
}

/** Arguments: 1 q, 2 scale, 3 y, 4 N, 5 D, which is a multiple of 4. */
export function dequantInt8(step: usize, thread: i32, threads: i32): i32 {
  const N = size(step, 4);
  const bytes = <usize>argument(step, 5) * 4;
  for (let n = firstItem(N, thread, threads), end = firstItem(N, thread + 1, threads); n < end; n++) {
    const q = <usize>argument(step, 1) + ((<usize>n * bytes) >> 2);
    const y = <usize>argument(step, 3) + <usize>n * bytes;
    const scale = splat(load<f32>(<usize>argument(step, 2) + <usize>n * 4));
    for (let at: usize = 0; at < bytes; at += 16) {
      const word = v128.load32_zero(q + (at >> 2));
      const whole = i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(word));
      v128.store(y + at, mul4(f32x4.convert_i32x4_s(whole), scale));
    }
  }
  return 0;
}
