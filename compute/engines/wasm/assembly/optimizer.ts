// Gradient norm, clipping and AdamW.
import { add1, add4, canon4, mul1, mul4, splat, sub4 } from './canon';
import { argument, constant, firstItem, size } from './step';
import { recip1, recip4, sqrt1, sqrt4 } from './functions';

/**
 * One level of norm.square. Arguments: 1 x, 2 block sums, 3 len, 4 squares (1: terms are squares, 0: terms
 * are taken as they are). Four blocks in the lanes; terms are not negative, so sums saturate once and canon
 * can wait for the block's end.
 */
export function normBlocks(step: usize, thread: i32, threads: i32): i32 {
  const x = <usize>argument(step, 1);
  const sums = <usize>argument(step, 2);
  const len = size(step, 3);
  const squares = size(step, 4);
  const blocks = (len + 63) / 64;
  const groups = (blocks + 3) / 4;
  for (let group = firstItem(groups, thread, threads), end = firstItem(groups, thread + 1, threads); group < end; group++) {
    const first = group * 4;
    if ((first + 4) * 64 <= len) {
      const p = x + <usize>first * 256;
      let partial = splat(0);
      for (let i: usize = 0; i < 256; i += 4) {
        const v = f32x4(load<f32>(p + i), load<f32>(p + i, 256), load<f32>(p + i, 512), load<f32>(p + i, 768));
        partial = f32x4.add(partial, squares ? mul4(v, v) : v);
      }
      v128.store(sums + <usize>first * 4, canon4(partial));
      continue;
    }
    for (let block = first, stop = min(first + 4, blocks); block < stop; block++) {
      let partial: f32 = 0;
      for (let i = block * 64, last = min(block * 64 + 64, len); i < last; i++) {
        const v = load<f32>(x + <usize>i * 4);
        partial = add1(partial, squares ? mul1(v, v) : v);
      }
      store<f32>(sums + <usize>block * 4, partial);
    }
  }
  return 0;
}

/** Arguments: 1 scale, 2 maxNorm, 3 count, 4 ... the sums. */
export function clipScale(step: usize, thread: i32, threads: i32): i32 {
  if (thread != 0) return 0;
  const maxNorm = constant(step, 2);
  let total: f32 = 0;
  for (let i = 0, count = size(step, 3); i < count; i++) total = add1(total, load<f32>(<usize>argument(step, 4 + i)));
  const norm = sqrt1(total);
  store<f32>(<usize>argument(step, 1), norm > maxNorm ? mul1(maxNorm, recip1(norm)) : 1);
  return 0;
}

/**
 * Arguments: 1 p, 2 g, 3 m, 4 v, 5 scale, 6 hyper, 7 len, 8 beta1, 9 1 - beta1, 10 beta2, 11 1 - beta2, 12
 * eps, 13 weightDecay.
 */
export function adamw(step: usize, thread: i32, threads: i32): i32 {
  const scale = v128.load_splat<f32>(<usize>argument(step, 5));
  const hyper = <usize>argument(step, 6);
  const rate = v128.load_splat<f32>(hyper);
  const correction1 = v128.load_splat<f32>(hyper, 4);
  const correction2 = v128.load_splat<f32>(hyper, 8);
  const beta1 = splat(constant(step, 8));
  const rest1 = splat(constant(step, 9));
  const beta2 = splat(constant(step, 10));
  const rest2 = splat(constant(step, 11));
  const eps = splat(constant(step, 12));
  const decay = splat(constant(step, 13));
  const vectors = (size(step, 7) + 3) / 4;
  for (let i = firstItem(vectors, thread, threads), end = firstItem(vectors, thread + 1, threads); i < end; i++) {
    const at = <usize>i * 16;
    const p = v128.load(<usize>argument(step, 1) + at);
    const g = mul4(v128.load(<usize>argument(step, 2) + at), scale);
    const m = add4(mul4(beta1, v128.load(<usize>argument(step, 3) + at)), mul4(rest1, g));
    const v = add4(mul4(beta2, v128.load(<usize>argument(step, 4) + at)), mul4(rest2, mul4(g, g)));
    const u = mul4(mul4(m, correction1), recip4(add4(sqrt4(mul4(v, correction2)), eps)));
    v128.store(<usize>argument(step, 1) + at, sub4(p, mul4(rate, add4(u, mul4(decay, p)))));
    v128.store(<usize>argument(step, 3) + at, m);
    v128.store(<usize>argument(step, 4) + at, v);
  }
  return 0;
}
