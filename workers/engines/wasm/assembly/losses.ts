// Cross entropy, the policy objective and sampling.
import { add1, constant, horizontalMax, loadN, mul1, mul4, share, size, splat, storeN, sub1, sub4, word } from './canon';
import { exp4, log1 } from './functions';
import { INDEX_OUT_OF_RANGE, foldProducts } from './layers';

const MINUS_MAX: f32 = reinterpret<f32>(<u32>0xff7fffff);

/** Lanes i >= left become the smallest value. */
@inline
function orSmallest(v: v128, left: i32): v128 {
  return left >= 4 ? v : v128.bitselect(v, splat(MINUS_MAX), i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(left)));
}

/** Fold of `count` values in [0, 2], whose sums canon leaves alone. */
function foldPositive(p: usize, count: i32): f32 {
  let total: f32 = 0;
  for (let start = 0; start < count; start += 64) {
    let partial: f32 = 0;
    for (let i = start, stop = min(start + 64, count); i < stop; i++) partial += load<f32>(p + <usize>i * 4);
    total += partial;
  }
  return total;
}

/** Words: 1 logits, 2 lse, 3 N, 4 V, 5 scratch f32 [V] a thread, 6 its bytes. */
export function xentLse(step: usize, thread: i32, threads: i32): i32 {
  const N = size(step, 3);
  const V = size(step, 4);
  const e = <usize>word(step, 5) + <usize>thread * <usize>word(step, 6);
  for (let n = share(N, thread, threads), end = share(N, thread + 1, threads); n < end; n++) {
    const x = <usize>word(step, 1) + <usize>n * <usize>V * 4;
    let top = splat(MINUS_MAX);
    for (let v = 0; v < V; v += 4) top = f32x4.pmax(top, orSmallest(loadN(x + <usize>v * 4, V - v), V - v));
    const m = horizontalMax(top);
    for (let v = 0; v < V; v += 4) v128.store(e + <usize>v * 4, exp4(sub4(loadN(x + <usize>v * 4, V - v), splat(m))));
    store<f32>(<usize>word(step, 2) + <usize>n * 4, add1(m, log1(foldPositive(e, V))));
  }
  return 0;
}

/** Words: 1 logits, 2 lse, 3 targets, 4 logprob, 5 N, 6 V. */
export function xentLogprob(step: usize, thread: i32, threads: i32): i32 {
  const N = size(step, 5);
  const V = word(step, 6);
  for (let n = share(N, thread, threads), end = share(N, thread + 1, threads); n < end; n++) {
    const target = load<u32>(<usize>word(step, 3) + <usize>n * 4);
    if (target >= V) return INDEX_OUT_OF_RANGE;
    const x = load<f32>(<usize>word(step, 1) + (<usize>n * <usize>V + <usize>target) * 4);
    store<f32>(<usize>word(step, 4) + <usize>n * 4, sub1(x, load<f32>(<usize>word(step, 2) + <usize>n * 4)));
  }
  return 0;
}

/** Words: 1 logits, 2 lse, 3 targets, 4 coefficient, 5 dlogits, 6 N, 7 V. */
export function xentGrad(step: usize, thread: i32, threads: i32): i32 {
  const N = size(step, 6);
  const V = size(step, 7);
  for (let n = share(N, thread, threads), end = share(N, thread + 1, threads); n < end; n++) {
    const row = <usize>n * <usize>V * 4;
    const target = load<u32>(<usize>word(step, 3) + <usize>n * 4);
    if (target >= <u32>V) return INDEX_OUT_OF_RANGE;
    const lse = v128.load_splat<f32>(<usize>word(step, 2) + <usize>n * 4);
    const coefficient = v128.load_splat<f32>(<usize>word(step, 4) + <usize>n * 4);
    for (let v = 0; v < V; v += 4) {
      const p = exp4(sub4(loadN(<usize>word(step, 1) + row + <usize>v * 4, V - v), lse));
      const isTarget = i32x4.eq(i32x4.add(i32x4(0, 1, 2, 3), i32x4.splat(v)), i32x4.splat(<i32>target));
      // p is canonical, so sub(p, +0) is p.
      const difference = sub4(p, v128.and(isTarget, splat(1)));
      storeN(<usize>word(step, 5) + row + <usize>v * 4, mul4(coefficient, difference), V - v);
    }
  }
  return 0;
}

/** Words: 1 logprob, 2 old, 3 advantage, 4 weight, 5 coefficient, 6 N, 7 clipLow, 8 clipHigh, 9 ratioCap. */
export function policyCoefficient(step: usize, thread: i32, threads: i32): i32 {
  const vectors = (size(step, 6) + 3) / 4;
  for (let i = share(vectors, thread, threads), end = share(vectors, thread + 1, threads); i < end; i++) {
    const at = <usize>i * 16;
    const ratio = exp4(sub4(v128.load(<usize>word(step, 1) + at), v128.load(<usize>word(step, 2) + at)));
    const advantage = v128.load(<usize>word(step, 3) + at);
    const rising = f32x4.le(ratio, splat(constant(step, 8)));
    const falling = v128.and(f32x4.ge(ratio, splat(constant(step, 7))), f32x4.le(ratio, splat(constant(step, 9))));
    const active = v128.bitselect(rising, falling, f32x4.gt(advantage, splat(0)));
    const value = mul4(mul4(advantage, ratio), v128.load(<usize>word(step, 4) + at));
    v128.store(<usize>word(step, 5) + at, v128.and(value, active));
  }
  return 0;
}

/** Words: 1 weight, 2 logprob, 3 loss, 4 N. */
export function lossWeighted(step: usize, thread: i32, threads: i32): i32 {
  if (thread != 0) return 0;
  store<f32>(<usize>word(step, 3), sub1(0, foldProducts(<usize>word(step, 1), <usize>word(step, 2), size(step, 4))));
  return 0;
}

/** Words: 1 logits, 2 uniform, 3 ids, 4 logprob, 5 N, 6 V, 7 invTemperature, 8 greedy, 9 scratch f32 [2 V] a thread, 10 its bytes. */
export function sample(step: usize, thread: i32, threads: i32): i32 {
  const N = size(step, 5);
  const V = size(step, 6);
  const inverse = splat(constant(step, 7));
  const greedy = size(step, 8);
  const z = <usize>word(step, 9) + <usize>thread * <usize>word(step, 10);
  const e = z + <usize>((V + 3) & ~3) * 4;
  for (let n = share(N, thread, threads), end = share(N, thread + 1, threads); n < end; n++) {
    const x = <usize>word(step, 1) + <usize>n * <usize>V * 4;
    let top = splat(MINUS_MAX);
    for (let v = 0; v < V; v += 4) {
      const value = mul4(loadN(x + <usize>v * 4, V - v), inverse);
      v128.store(z + <usize>v * 4, value);
      top = f32x4.pmax(top, orSmallest(value, V - v));
    }
    const m = horizontalMax(top);
    for (let v = 0; v < V; v += 4) v128.store(e + <usize>v * 4, exp4(sub4(v128.load(z + <usize>v * 4), splat(m))));
    const l = foldPositive(e, V);
    const lse = add1(m, log1(l));
    let id = 0;
    if (greedy) {
      while (load<f32>(z + <usize>id * 4) != m) id++;
    } else {
      const threshold = mul1(load<f32>(<usize>word(step, 2) + <usize>n * 4), l);
      let running: f32 = 0;
      for (let v = 0; v < V; v++) {
        const p = load<f32>(e + <usize>v * 4);
        running += p;
        if (p > 0) id = v;
        if (running > threshold) {
          id = v;
          break;
        }
      }
    }
    store<u32>(<usize>word(step, 3) + <usize>n * 4, id);
    store<f32>(<usize>word(step, 4) + <usize>n * 4, sub1(load<f32>(z + <usize>id * 4), lse));
  }
  return 0;
}
