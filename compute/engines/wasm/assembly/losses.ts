// Cross entropy and the policy objective.
import { loadN, mul4, splat, storeN, sub1, sub4 } from './canon';
import { argument, constant, firstItem, size } from './step';
import { exp4 } from './functions';
import { INDEX_OUT_OF_RANGE, foldProducts } from './layers';

/** Arguments: 1 logits, 2 lse, 3 targets, 4 logprob, 5 N, 6 V. */
export function xentLogprob(step: usize, thread: i32, threads: i32): i32 {
  const N = size(step, 5);
  const V = argument(step, 6);
  for (let n = firstItem(N, thread, threads), end = firstItem(N, thread + 1, threads); n < end; n++) {
    const target = load<u32>(<usize>argument(step, 3) + <usize>n * 4);
    if (target >= V) return INDEX_OUT_OF_RANGE;
    const x = load<f32>(<usize>argument(step, 1) + (<usize>n * <usize>V + <usize>target) * 4);
    store<f32>(<usize>argument(step, 4) + <usize>n * 4, sub1(x, load<f32>(<usize>argument(step, 2) + <usize>n * 4)));
  }
  return 0;
}

/** Arguments: 1 logits, 2 lse, 3 targets, 4 coefficient, 5 dlogits, 6 N, 7 V. */
export function xentGrad(step: usize, thread: i32, threads: i32): i32 {
  const N = size(step, 6);
  const V = size(step, 7);
  for (let n = firstItem(N, thread, threads), end = firstItem(N, thread + 1, threads); n < end; n++) {
    const row = <usize>n * <usize>V * 4;
    const target = load<u32>(<usize>argument(step, 3) + <usize>n * 4);
    if (target >= <u32>V) return INDEX_OUT_OF_RANGE;
    const lse = v128.load_splat<f32>(<usize>argument(step, 2) + <usize>n * 4);
    const coefficient = v128.load_splat<f32>(<usize>argument(step, 4) + <usize>n * 4);
    for (let v = 0; v < V; v += 4) {
      const p = exp4(sub4(loadN(<usize>argument(step, 1) + row + <usize>v * 4, V - v), lse));
      const isTarget = i32x4.eq(i32x4.add(i32x4(0, 1, 2, 3), i32x4.splat(v)), i32x4.splat(<i32>target));
      // p is canonical, so sub(p, +0) is p.
      const difference = sub4(p, v128.and(isTarget, splat(1)));
      storeN(<usize>argument(step, 5) + row + <usize>v * 4, mul4(coefficient, difference), V - v);
    }
  }
  return 0;
}

/**
 * Arguments: 1 logprob, 2 old, 3 advantage, 4 weight, 5 coefficient, 6 N, 7 clipLow, 8 clipHigh, 9 ratioCap.
 */
export function policyCoefficient(step: usize, thread: i32, threads: i32): i32 {
  const vectors = (size(step, 6) + 3) / 4;
  for (let i = firstItem(vectors, thread, threads), end = firstItem(vectors, thread + 1, threads); i < end; i++) {
    const at = <usize>i * 16;
    const ratio = exp4(sub4(v128.load(<usize>argument(step, 1) + at), v128.load(<usize>argument(step, 2) + at)));
    const advantage = v128.load(<usize>argument(step, 3) + at);
    const rising = f32x4.le(ratio, splat(constant(step, 8)));
    const falling = v128.and(f32x4.ge(ratio, splat(constant(step, 7))), f32x4.le(ratio, splat(constant(step, 9))));
    const active = v128.bitselect(rising, falling, f32x4.gt(advantage, splat(0)));
    const value = mul4(mul4(advantage, ratio), v128.load(<usize>argument(step, 4) + at));
    v128.store(<usize>argument(step, 5) + at, v128.and(value, active));
  }
  return 0;
}

/** Arguments: 1 weight, 2 logprob, 3 loss, 4 N. */
export function lossWeighted(step: usize, thread: i32, threads: i32): i32 {
  if (thread != 0) return 0;
  store<f32>(<usize>argument(step, 3), sub1(0, foldProducts(<usize>argument(step, 1), <usize>argument(step, 2), size(step, 4))));
  return 0;
}
