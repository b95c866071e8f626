// Rows of logits over a vocabulary: log-sum-exp, drawing, top-k and top-p. The vocabulary is cut into chunks
// of 16 fold blocks, so that several threads can work on one row; what depends on order is done once a row,
// over the block sums.
import {
  add1, column0, column1, column2, column3, horizontalMax, loadN, mul1, mul4, splat, storeN, sub1, sub4,
} from './canon';
import { argument, constant, firstItem, size } from './step';
import { exp4, log1 } from './functions';

const MINUS_MAX: f32 = reinterpret<f32>(<u32>0xff7fffff);
const CHUNK: i32 = 1024;

@inline
function chunksOf(V: i32): i32 {
  return (V + CHUNK - 1) / CHUNK;
}

@inline
function blocksOf(V: i32): i32 {
  return (V + 63) / 64;
}

/** Lanes i >= left become the smallest value. */
@inline
function orSmallest(v: v128, left: i32): v128 {
  return left >= 4 ? v : v128.bitselect(v, splat(MINUS_MAX), i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(left)));
}

/** The largest of mul(x, scale) over x[0 .. count - 1]. */
function largest(x: usize, count: i32, scale: v128): f32 {
  let top = splat(MINUS_MAX);
  for (let v = 0; v < count; v += 4) {
    top = f32x4.pmax(top, orSmallest(mul4(loadN(x + <usize>v * 4, count - v), scale), count - v));
  }
  return horizontalMax(top);
}

/** Arguments: 1 x, 2 maxima [N, chunks], 3 N, 4 V, 5 scale. */
export function softmaxMaxima(step: usize, thread: i32, threads: i32): i32 {
  const N = size(step, 3);
  const V = size(step, 4);
  const scale = splat(constant(step, 5));
  const chunks = chunksOf(V);
  for (let item = firstItem(N * chunks, thread, threads), end = firstItem(N * chunks, thread + 1, threads); item < end; item++) {
    const first = (item % chunks) * CHUNK;
    const x = <usize>argument(step, 1) + (<usize>(item / chunks) * <usize>V + <usize>first) * 4;
    store<f32>(<usize>argument(step, 2) + <usize>item * 4, largest(x, min(CHUNK, V - first), scale));
  }
  return 0;
}

@inline
function term(x: usize, scale: v128, m: v128): v128 {
  return exp4(sub4(mul4(v128.load(x), scale), m));
}

/**
 * Arguments: 1 x, 2 maxima [N, chunks], 3 sums [N, blocks], 4 N, 5 V, 6 scale. The sums in order of each
 * block's exponentials. Terms are in [0, 1.0001], so canon leaves their sums alone; four blocks lie in the
 * lanes.
 */
export function softmaxSums(step: usize, thread: i32, threads: i32): i32 {
  const N = size(step, 4);
  const V = size(step, 5);
  const scale = splat(constant(step, 6));
  const chunks = chunksOf(V);
  const blocks = blocksOf(V);
  for (let item = firstItem(N * chunks, thread, threads), end = firstItem(N * chunks, thread + 1, threads); item < end; item++) {
    const n = item / chunks;
    const first = (item % chunks) * CHUNK;
    const count = min(CHUNK, V - first);
    const x = <usize>argument(step, 1) + (<usize>n * <usize>V + <usize>first) * 4;
    const sums = <usize>argument(step, 3) + <usize>(n * blocks + first / 64) * 4;
    const m = splat(largest(<usize>argument(step, 2) + <usize>(n * chunks) * 4, chunks, splat(1)));
    let v = 0;
    for (; v + 256 <= count; v += 256) {
      let partial = splat(0);
      for (let i = v; i < v + 64; i += 4) {
        const p = x + <usize>i * 4;
        const a = term(p, scale, m);
        const b = term(p + 256, scale, m);
        const c = term(p + 512, scale, m);
        const d = term(p + 768, scale, m);
        partial = f32x4.add(partial, column0(a, b, c, d));
        partial = f32x4.add(partial, column1(a, b, c, d));
        partial = f32x4.add(partial, column2(a, b, c, d));
        partial = f32x4.add(partial, column3(a, b, c, d));
      }
      v128.store(sums + <usize>(v >> 6) * 4, partial);
    }
    for (; v < count; v += 64) {
      let partial: f32 = 0;
      for (let i = v, stop = min(v + 64, count); i < stop; i += 4) {
        const e = exp4(sub4(mul4(loadN(x + <usize>i * 4, stop - i), scale), m));
        partial += f32x4.extract_lane(e, 0);
        if (i + 1 < stop) partial += f32x4.extract_lane(e, 1);
        if (i + 2 < stop) partial += f32x4.extract_lane(e, 2);
        if (i + 3 < stop) partial += f32x4.extract_lane(e, 3);
      }
      store<f32>(sums + <usize>(v >> 6) * 4, partial);
    }
  }
  return 0;
}

/** Block sums added in order. */
function total(sums: usize, blocks: i32): f32 {
  let sum: f32 = 0;
  for (let b = 0; b < blocks; b++) sum += load<f32>(sums + <usize>b * 4);
  return sum;
}

/** Arguments: 1 maxima, 2 sums, 3 lse, 4 N, 5 V. */
export function xentLse(step: usize, thread: i32, threads: i32): i32 {
  const N = size(step, 4);
  const V = size(step, 5);
  const chunks = chunksOf(V);
  const blocks = blocksOf(V);
  for (let n = firstItem(N, thread, threads), end = firstItem(N, thread + 1, threads); n < end; n++) {
    const m = largest(<usize>argument(step, 1) + <usize>(n * chunks) * 4, chunks, splat(1));
    const l = total(<usize>argument(step, 2) + <usize>(n * blocks) * 4, blocks);
    store<f32>(<usize>argument(step, 3) + <usize>n * 4, add1(m, log1(l)));
  }
  return 0;
}

/** exp(sub(mul(x, scale), m)) of one element. */
function term1(x: usize, scale: v128, m: v128): f32 {
  return f32x4.extract_lane(exp4(sub4(mul4(v128.load32_splat(x), scale), m)), 0);
}

/** The first index whose running sum passes the threshold, else the last with weight. */
function drawn(x: usize, V: i32, sums: usize, scale: v128, m: v128, threshold: f32): i32 {
  const blocks = blocksOf(V);
  let before: f32 = 0;
  let block = 0;
  for (; block < blocks; block++) {
    const after = before + load<f32>(sums + <usize>block * 4);
    if (after > threshold) break;
    before = after;
  }
  const passes = block < blocks;
  if (!passes) {
    block = blocks - 1;
    while (block > 0 && load<f32>(sums + <usize>block * 4) == 0) block--;
  }
  let within: f32 = 0;
  let last = 0;
  for (let v = block * 64, end = min(v + 64, V); v < end; v++) {
    const e = term1(x + <usize>v * 4, scale, m);
    within += e;
    if (passes && before + within > threshold) return v;
    if (e > 0) last = v;
  }
  return last;
}

/**
 * Arguments: 1 logits, 2 uniform, 3 maxima, 4 sums, 5 ids, 6 logprob, 7 N, 8 V, 9 invTemperature, 10 greedy.
 */
export function sample(step: usize, thread: i32, threads: i32): i32 {
  const N = size(step, 7);
  const V = size(step, 8);
  const inverse = constant(step, 9);
  const scale = splat(inverse);
  const greedy = size(step, 10);
  const chunks = chunksOf(V);
  const blocks = blocksOf(V);
  for (let n = firstItem(N, thread, threads), end = firstItem(N, thread + 1, threads); n < end; n++) {
    const x = <usize>argument(step, 1) + <usize>n * <usize>V * 4;
    const maxima = <usize>argument(step, 3) + <usize>(n * chunks) * 4;
    const sums = <usize>argument(step, 4) + <usize>(n * blocks) * 4;
    const m = largest(maxima, chunks, splat(1));
    const l = total(sums, blocks);
    let id = 0;
    if (greedy) {
      while (load<f32>(maxima + <usize>(id / CHUNK) * 4) != m) id += CHUNK;
      while (mul1(load<f32>(x + <usize>id * 4), inverse) != m) id++;
    } else {
      id = drawn(x, V, sums, scale, splat(m), mul1(load<f32>(<usize>argument(step, 2) + <usize>n * 4), l));
    }
    store<u32>(<usize>argument(step, 5) + <usize>n * 4, id);
    const z = mul1(load<f32>(x + <usize>id * 4), inverse);
    store<f32>(<usize>argument(step, 6) + <usize>n * 4, sub1(z, add1(m, log1(l))));
  }
  return 0;
}

/** How many of z[0 .. V - 1] are at least `least`; z is padded with the smallest value. */
function countFrom(z: usize, V: i32, least: f32): i32 {
  let counts = i32x4.splat(0);
  const bound = splat(least);
  for (let v = 0; v < V; v += 4) counts = i32x4.sub(counts, f32x4.ge(v128.load(z + <usize>v * 4), bound));
  return i32x4.extract_lane(counts, 0) + i32x4.extract_lane(counts, 1)
    + i32x4.extract_lane(counts, 2) + i32x4.extract_lane(counts, 3);
}

@inline
function kept(e: usize, z: usize, bound: v128): v128 {
  return v128.and(v128.load(e), f32x4.ge(v128.load(z), bound));
}

/** fold over v of (z_v >= least ? e_v : +0). e is padded with +0. */
function massFrom(z: usize, e: usize, V: i32, least: f32): f32 {
  const bound = splat(least);
  let sum: f32 = 0;
  let v = 0;
  for (; v + 256 <= V; v += 256) {
    let partial = splat(0);
    for (let i = v; i < v + 64; i += 4) {
      const at = <usize>i * 4;
      const a = kept(e + at, z + at, bound);
      const b = kept(e + at + 256, z + at + 256, bound);
      const c = kept(e + at + 512, z + at + 512, bound);
      const d = kept(e + at + 768, z + at + 768, bound);
      partial = f32x4.add(partial, column0(a, b, c, d));
      partial = f32x4.add(partial, column1(a, b, c, d));
      partial = f32x4.add(partial, column2(a, b, c, d));
      partial = f32x4.add(partial, column3(a, b, c, d));
    }
    sum += f32x4.extract_lane(partial, 0);
    sum += f32x4.extract_lane(partial, 1);
    sum += f32x4.extract_lane(partial, 2);
    sum += f32x4.extract_lane(partial, 3);
  }
  for (; v < V; v += 64) {
    let partial: f32 = 0;
    for (let i = v, stop = min(v + 64, V); i < stop; i++) {
      if (load<f32>(z + <usize>i * 4) >= least) partial += load<f32>(e + <usize>i * 4);
    }
    sum += partial;
  }
  return sum;
}

/** The f32 whose place among all f32, from the lowest up, is `key`. */
@inline
function valueOf(key: u32): f32 {
  return reinterpret<f32>(key >> 31 != 0 ? key ^ 0x80000000 : ~key);
}

/** Lowest and highest finite value as keys. */
const KEY_LOW: u32 = 0x00800000;
const KEY_HIGH: u32 = 0xff7fffff;

/**
 * Arguments: 1 logits, 2 out, 3 N, 4 V, 5 topK, 6 topP, 7 invTemperature, 8 scratch f32 [2 V] a thread, 9 its
 * bytes.
 */
export function sampleFilter(step: usize, thread: i32, threads: i32): i32 {
  const N = size(step, 3);
  const V = size(step, 4);
  const topK = size(step, 5);
  const topP = constant(step, 6);
  const scale = splat(constant(step, 7));
  const padded = (V + 3) & ~3;
  const z = <usize>argument(step, 8) + <usize>thread * <usize>argument(step, 9);
  const e = z + <usize>padded * 4;
  for (let n = firstItem(N, thread, threads), end = firstItem(N, thread + 1, threads); n < end; n++) {
    const x = <usize>argument(step, 1) + <usize>n * <usize>V * 4;
    const out = <usize>argument(step, 2) + <usize>n * <usize>V * 4;
    let top = splat(MINUS_MAX);
    for (let v = 0; v < V; v += 4) {
      const value = orSmallest(mul4(loadN(x + <usize>v * 4, V - v), scale), V - v);
      v128.store(z + <usize>v * 4, value);
      top = f32x4.pmax(top, value);
    }
    const m = horizontalMax(top);
    let least = MINUS_MAX;
    if (topK > 0 && topK < V) {
      // The largest key that at least topK elements reach.
      let low = KEY_LOW;
      let high = KEY_HIGH;
      while (low < high) {
        const middle = low + ((high - low + 1) >> 1);
        if (countFrom(z, V, valueOf(middle)) >= topK) low = middle;
        else high = middle - 1;
      }
      least = valueOf(low);
    } else if (topK > 0) {
      for (let v = 0; v < V; v++) least = v == 0 ? load<f32>(z) : min<f32>(least, load<f32>(z + <usize>v * 4));
    }
    if (topP < 1) {
      for (let v = 0; v < padded; v += 4) {
        v128.store(e + <usize>v * 4, exp4(sub4(v128.load(z + <usize>v * 4), splat(m))));
      }
      const wanted = mul1(topP, massFrom(z, e, V, least));
      // The largest key from `least` on with enough mass.
      let low = keyOf(least);
      let high = keyOf(m);
      while (low < high) {
        const middle = low + ((high - low + 1) >> 1);
        if (massFrom(z, e, V, valueOf(middle)) >= wanted) low = middle;
        else high = middle - 1;
      }
      least = valueOf(low);
    }
    for (let v = 0; v < V; v += 4) {
      const value = v128.load(z + <usize>v * 4);
      storeN(out + <usize>v * 4, v128.bitselect(value, splat(MINUS_MAX), f32x4.ge(value, splat(least))), V - v);
    }
  }
  return 0;
}

@inline
function keyOf(x: f32): u32 {
  const bits = reinterpret<u32>(x);
  return bits >> 31 != 0 ? ~bits : bits | 0x80000000;
}
