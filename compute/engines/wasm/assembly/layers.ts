// Look-ups, biases, normalisation, rotary positions, SwiGLU. Row folds put four rows in the lanes; column
// folds four columns.
import { add1, add4, canon4, loadN, mul1, mul4, splat, storeN, sub4 } from './canon';
import { argument, constant, firstItem, size } from './step';
import { rsqrt4, sigmoid4 } from './functions';

/** Status of a kernel that met an index past its table. */
export const INDEX_OUT_OF_RANGE: i32 = 1;

/** Arguments: 1 ids, 2 table, 3 y, 4 N, 5 V, 6 D. */
export function embed(step: usize, thread: i32, threads: i32): i32 {
  const ids = <usize>argument(step, 1);
  const table = <usize>argument(step, 2);
  const y = <usize>argument(step, 3);
  const N = size(step, 4);
  const V = argument(step, 5);
  const bytes = <usize>argument(step, 6) * 4;
  for (let n = firstItem(N, thread, threads), end = firstItem(N, thread + 1, threads); n < end; n++) {
    const id = load<u32>(ids + <usize>n * 4);
    if (id >= V) return INDEX_OUT_OF_RANGE;
    memory.copy(y + <usize>n * bytes, table + <usize>id * bytes, bytes);
  }
  return 0;
}

/**
 * Arguments: 1 ids, 2 dy, 3 dtable, 4 N, 5 V, 6 D, 7 heads u32 [V], 8 next u32 [N]. Each thread owns a range
 * of table rows and chains the rows of dy that belong to each, ascending; links are n + 1, 0 ends a chain.
 */
export function embedGrad(step: usize, thread: i32, threads: i32): i32 {
  const ids = <usize>argument(step, 1);
  const dy = <usize>argument(step, 2);
  const dtable = <usize>argument(step, 3);
  const N = size(step, 4);
  const V = size(step, 5);
  const D = size(step, 6);
  const heads = <usize>argument(step, 7);
  const next = <usize>argument(step, 8);
  const bytes = <usize>D * 4;
  const v0 = firstItem(V, thread, threads);
  const v1 = firstItem(V, thread + 1, threads);
  memory.fill(heads + <usize>v0 * 4, 0, <usize>(v1 - v0) * 4);
  for (let n = N - 1; n >= 0; n--) {
    const id = load<u32>(ids + <usize>n * 4);
    if (id >= <u32>V) return INDEX_OUT_OF_RANGE;
    if (id < <u32>v0 || id >= <u32>v1) continue;
    store<u32>(next + <usize>n * 4, load<u32>(heads + <usize>id * 4));
    store<u32>(heads + <usize>id * 4, n + 1);
  }
  for (let v = v0; v < v1; v++) {
    const out = dtable + <usize>v * bytes;
    const head = load<u32>(heads + <usize>v * 4);
    if (head == 0) {
      memory.fill(out, 0, bytes);
      continue;
    }
    for (let d = 0; d < D; d += 4) {
      let total = f32x4.splat(0);
      let partial = f32x4.splat(0);
      let inBlock = 0;
      for (let link = head; link != 0; link = load<u32>(next + <usize>(link - 1) * 4)) {
        partial = add4(partial, loadN(dy + <usize>(link - 1) * bytes + <usize>d * 4, D - d));
        if (++inBlock == 64) {
          total = add4(total, partial);
          partial = f32x4.splat(0);
          inBlock = 0;
        }
      }
      storeN(out + <usize>d * 4, add4(total, partial), D - d);
    }
  }
  return 0;
}

/** Arguments: 1 x, 2 bias, 3 y, 4 N, 5 D. */
export function biasAdd(step: usize, thread: i32, threads: i32): i32 {
  const bias = <usize>argument(step, 2);
  const N = size(step, 4);
  const D = size(step, 5);
  const bytes = <usize>D * 4;
  for (let n = firstItem(N, thread, threads), end = firstItem(N, thread + 1, threads); n < end; n++) {
    const x = <usize>argument(step, 1) + <usize>n * bytes;
    const y = <usize>argument(step, 3) + <usize>n * bytes;
    for (let d = 0; d < D; d += 4) {
      const at = <usize>d * 4;
      storeN(y + at, add4(loadN(x + at, D - d), loadN(bias + at, D - d)), D - d);
    }
  }
  return 0;
}

/** Arguments: 1 dy, 2 dbias, 3 N, 4 D. */
export function biasGrad(step: usize, thread: i32, threads: i32): i32 {
  const dy = <usize>argument(step, 1);
  const N = size(step, 3);
  const D = size(step, 4);
  const bytes = <usize>D * 4;
  const vectors = (D + 3) / 4;
  for (let c = firstItem(vectors, thread, threads), end = firstItem(vectors, thread + 1, threads); c < end; c++) {
    const left = D - c * 4;
    let p = dy + <usize>c * 16;
    let total = f32x4.splat(0);
    for (let start = 0; start < N; start += 64) {
      let partial = f32x4.splat(0);
      for (let n = start, stop = min(start + 64, N); n < stop; n++) {
        partial = add4(partial, loadN(p, left));
        p += bytes;
      }
      total = add4(total, partial);
    }
    storeN(<usize>argument(step, 2) + <usize>c * 16, total, left);
  }
  return 0;
}

/**
 * Arguments: 1 a, 2 b, 3 y, 4 len. Tensors are padded to 64 bytes, so flat kernels run over their last
 * vector's end.
 */
export function add(step: usize, thread: i32, threads: i32): i32 {
  const vectors = (size(step, 4) + 3) / 4;
  for (let i = firstItem(vectors, thread, threads), end = firstItem(vectors, thread + 1, threads); i < end; i++) {
    const at = <usize>i * 16;
    v128.store(<usize>argument(step, 3) + at, add4(v128.load(<usize>argument(step, 1) + at), v128.load(<usize>argument(step, 2) + at)));
  }
  return 0;
}

/** Arguments: 1 a, 2 b, 3 y, 4 len, 5 scale. */
export function addScaled(step: usize, thread: i32, threads: i32): i32 {
  const vectors = (size(step, 4) + 3) / 4;
  const scale = splat(constant(step, 5));
  for (let i = firstItem(vectors, thread, threads), end = firstItem(vectors, thread + 1, threads); i < end; i++) {
    const at = <usize>i * 16;
    const product = mul4(scale, v128.load(<usize>argument(step, 2) + at));
    v128.store(<usize>argument(step, 3) + at, add4(v128.load(<usize>argument(step, 1) + at), product));
  }
  return 0;
}

/**
 * Arguments: 1 x, 2 rstd, 3 N, 4 D, 5 invD, 6 eps. Sums of squares never cancel and saturate once, so canon
 * can wait for the end.
 */
export function rmsRstd(step: usize, thread: i32, threads: i32): i32 {
  const x = <usize>argument(step, 1);
  const N = size(step, 3);
  const D = size(step, 4);
  const bytes = <usize>D * 4;
  const groups = (N + 3) / 4;
  for (let group = firstItem(groups, thread, threads), end = firstItem(groups, thread + 1, threads); group < end; group++) {
    const first = group * 4;
    const r0 = x + <usize>first * bytes;
    const r1 = x + <usize>min(first + 1, N - 1) * bytes;
    const r2 = x + <usize>min(first + 2, N - 1) * bytes;
    const r3 = x + <usize>min(first + 3, N - 1) * bytes;
    let total = f32x4.splat(0);
    for (let start = 0; start < D; start += 64) {
      let partial = f32x4.splat(0);
      for (let d = start, stop = min(start + 64, D); d < stop; d++) {
        const at = <usize>d * 4;
        const v = f32x4(load<f32>(r0 + at), load<f32>(r1 + at), load<f32>(r2 + at), load<f32>(r3 + at));
        partial = f32x4.add(partial, mul4(v, v));
      }
      total = f32x4.add(total, partial);
    }
    const mean = mul4(canon4(total), splat(constant(step, 5)));
    storeN(<usize>argument(step, 2) + <usize>first * 4, rsqrt4(add4(mean, splat(constant(step, 6)))), N - first);
  }
  return 0;
}

/** Arguments: 1 x, 2 rstd, 3 gain, 4 y, 5 N, 6 D. */
export function rmsApply(step: usize, thread: i32, threads: i32): i32 {
  const gain = <usize>argument(step, 3);
  const N = size(step, 5);
  const D = size(step, 6);
  const bytes = <usize>D * 4;
  for (let n = firstItem(N, thread, threads), end = firstItem(N, thread + 1, threads); n < end; n++) {
    const x = <usize>argument(step, 1) + <usize>n * bytes;
    const y = <usize>argument(step, 4) + <usize>n * bytes;
    const rstd = v128.load_splat<f32>(<usize>argument(step, 2) + <usize>n * 4);
    for (let d = 0; d < D; d += 4) {
      const at = <usize>d * 4;
      storeN(y + at, mul4(mul4(loadN(x + at, D - d), rstd), loadN(gain + at, D - d)), D - d);
    }
  }
  return 0;
}

/** Arguments: 1 dy, 2 x, 3 rstd, 4 gain, 5 dx, 6 N, 7 D, 8 invD. */
export function rmsGradX(step: usize, thread: i32, threads: i32): i32 {
  const gain = <usize>argument(step, 4);
  const N = size(step, 6);
  const D = size(step, 7);
  const invD = constant(step, 8);
  const bytes = <usize>D * 4;
  const groups = (N + 3) / 4;
  for (let group = firstItem(groups, thread, threads), end = firstItem(groups, thread + 1, threads); group < end; group++) {
    const first = group * 4;
    const r0 = <usize>first * bytes;
    const r1 = <usize>min(first + 1, N - 1) * bytes;
    const r2 = <usize>min(first + 2, N - 1) * bytes;
    const r3 = <usize>min(first + 3, N - 1) * bytes;
    const dy = <usize>argument(step, 1);
    const x = <usize>argument(step, 2);
    let total = f32x4.splat(0);
    for (let start = 0; start < D; start += 64) {
      let partial = f32x4.splat(0);
      for (let d = start, stop = min(start + 64, D); d < stop; d++) {
        const at = <usize>d * 4;
        const g = f32x4(load<f32>(dy + r0 + at), load<f32>(dy + r1 + at), load<f32>(dy + r2 + at), load<f32>(dy + r3 + at));
        const v = f32x4(load<f32>(x + r0 + at), load<f32>(x + r1 + at), load<f32>(x + r2 + at), load<f32>(x + r3 + at));
        partial = add4(partial, mul4(mul4(g, v128.load_splat<f32>(gain + at)), v));
      }
      total = add4(total, partial);
    }
    for (let lane = 0; lane < 4 && first + lane < N; lane++) {
      const s = lane == 0 ? f32x4.extract_lane(total, 0)
        : lane == 1 ? f32x4.extract_lane(total, 1)
        : lane == 2 ? f32x4.extract_lane(total, 2)
        : f32x4.extract_lane(total, 3);
      const row = <usize>(first + lane) * bytes;
      const rs = load<f32>(<usize>argument(step, 3) + <usize>(first + lane) * 4);
      const c = splat(mul1(mul1(s, mul1(rs, mul1(rs, rs))), invD));
      const rstd = splat(rs);
      for (let d = 0; d < D; d += 4) {
        const at = row + <usize>d * 4;
        const left = D - d;
        const t = mul4(loadN(dy + at, left), loadN(gain + <usize>d * 4, left));
        storeN(<usize>argument(step, 5) + at, sub4(mul4(t, rstd), mul4(loadN(x + at, left), c)), left);
      }
    }
  }
  return 0;
}

/** Arguments: 1 dy, 2 x, 3 rstd, 4 dgain, 5 N, 6 D. */
export function rmsGradGain(step: usize, thread: i32, threads: i32): i32 {
  const rstd = <usize>argument(step, 3);
  const N = size(step, 5);
  const D = size(step, 6);
  const bytes = <usize>D * 4;
  const vectors = (D + 3) / 4;
  for (let c = firstItem(vectors, thread, threads), end = firstItem(vectors, thread + 1, threads); c < end; c++) {
    const left = D - c * 4;
    let dy = <usize>argument(step, 1) + <usize>c * 16;
    let x = <usize>argument(step, 2) + <usize>c * 16;
    let total = f32x4.splat(0);
    for (let start = 0; start < N; start += 64) {
      let partial = f32x4.splat(0);
      for (let n = start, stop = min(start + 64, N); n < stop; n++) {
        partial = add4(partial, mul4(loadN(dy, left), mul4(loadN(x, left), v128.load_splat<f32>(rstd + <usize>n * 4))));
        dy += bytes;
        x += bytes;
      }
      total = add4(total, partial);
    }
    storeN(<usize>argument(step, 4) + <usize>c * 16, total, left);
  }
  return 0;
}

/** Arguments: 1 x, 2 positions, 3 cos, 4 sin, 5 y, 6 N, 7 heads, 8 headDim, 9 P, 10 inverse. */
export function rope(step: usize, thread: i32, threads: i32): i32 {
  const N = size(step, 6);
  const heads = size(step, 7);
  const half = size(step, 8) / 2;
  const P = argument(step, 9);
  const flip = size(step, 10) ? i32x4.splat(<i32>0x80000000) : i32x4.splat(0);
  const bytes = <usize>half * 4;
  for (let n = firstItem(N, thread, threads), end = firstItem(N, thread + 1, threads); n < end; n++) {
    const position = load<u32>(<usize>argument(step, 2) + <usize>n * 4);
    if (position >= P) return INDEX_OUT_OF_RANGE;
    const cos = <usize>argument(step, 3) + <usize>position * bytes;
    const sin = <usize>argument(step, 4) + <usize>position * bytes;
    let x = <usize>argument(step, 1) + <usize>(n * heads) * bytes * 2;
    let y = <usize>argument(step, 5) + <usize>(n * heads) * bytes * 2;
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < half; i += 4) {
        const at = <usize>i * 4;
        const left = half - i;
        const c = loadN(cos + at, left);
        const s = v128.xor(loadN(sin + at, left), flip);
        const a = loadN(x + at, left);
        const b = loadN(x + bytes + at, left);
        storeN(y + at, sub4(mul4(a, c), mul4(b, s)), left);
        storeN(y + bytes + at, add4(mul4(b, c), mul4(a, s)), left);
      }
      x += bytes * 2;
      y += bytes * 2;
    }
  }
  return 0;
}

/** Arguments as rope's. Two pairs lie in the lanes. */
export function ropePairs(step: usize, thread: i32, threads: i32): i32 {
  const N = size(step, 6);
  const heads = size(step, 7);
  const half = size(step, 8) / 2;
  const P = argument(step, 9);
  const flip = size(step, 10) ? i32x4.splat(<i32>0x80000000) : i32x4.splat(0);
  // sub(a, b) is add(a, -b): the first of a pair takes the second times -s.
  const first = i32x4(<i32>0x80000000, 0, <i32>0x80000000, 0);
  for (let n = firstItem(N, thread, threads), end = firstItem(N, thread + 1, threads); n < end; n++) {
    const position = load<u32>(<usize>argument(step, 2) + <usize>n * 4);
    if (position >= P) return INDEX_OUT_OF_RANGE;
    const cos = <usize>argument(step, 3) + <usize>position * <usize>half * 4;
    const sin = <usize>argument(step, 4) + <usize>position * <usize>half * 4;
    for (let h = 0; h < heads; h++) {
      const row = <usize>(n * heads + h) * <usize>half * 8;
      for (let i = 0; i < half; i += 2) {
        const left = (half - i) * 2;
        const c = loadN(cos + <usize>i * 4, half - i);
        const s = v128.xor(loadN(sin + <usize>i * 4, half - i), flip);
        const cc = v128.shuffle<f32>(c, c, 0, 0, 1, 1);
        const ss = v128.xor(v128.shuffle<f32>(s, s, 0, 0, 1, 1), first);
        const x = loadN(<usize>argument(step, 1) + row + <usize>i * 8, left);
        const swapped = v128.shuffle<f32>(x, x, 1, 0, 3, 2);
        storeN(<usize>argument(step, 5) + row + <usize>i * 8, add4(mul4(x, cc), mul4(swapped, ss)), left);
      }
    }
  }
  return 0;
}

/** Arguments: 1 gate, 2 up, 3 y, 4 len. */
export function swiglu(step: usize, thread: i32, threads: i32): i32 {
  const vectors = (size(step, 4) + 3) / 4;
  for (let i = firstItem(vectors, thread, threads), end = firstItem(vectors, thread + 1, threads); i < end; i++) {
    const at = <usize>i * 16;
    const gate = v128.load(<usize>argument(step, 1) + at);
    v128.store(<usize>argument(step, 3) + at, mul4(mul4(gate, sigmoid4(gate)), v128.load(<usize>argument(step, 2) + at)));
  }
  return 0;
}

/** Arguments: 1 dy, 2 gate, 3 up, 4 dgate, 5 dup, 6 len. */
export function swigluGrad(step: usize, thread: i32, threads: i32): i32 {
  const vectors = (size(step, 6) + 3) / 4;
  for (let i = firstItem(vectors, thread, threads), end = firstItem(vectors, thread + 1, threads); i < end; i++) {
    const at = <usize>i * 16;
    const dy = v128.load(<usize>argument(step, 1) + at);
    const gate = v128.load(<usize>argument(step, 2) + at);
    const s = sigmoid4(gate);
    const gs = mul4(gate, s);
    const slope = add4(s, mul4(gs, sub4(splat(1), s)));
    v128.store(<usize>argument(step, 4) + at, mul4(mul4(dy, v128.load(<usize>argument(step, 3) + at)), slope));
    v128.store(<usize>argument(step, 5) + at, mul4(dy, gs));
  }
  return 0;
}

/** Arguments: 1 x, 2 positions, 3 cache, 4 B, 5 Tk, 6 D. */
export function cacheWrite(step: usize, thread: i32, threads: i32): i32 {
  const B = size(step, 4);
  const Tk = argument(step, 5);
  const bytes = <usize>argument(step, 6) * 4;
  for (let b = firstItem(B, thread, threads), end = firstItem(B, thread + 1, threads); b < end; b++) {
    const position = load<u32>(<usize>argument(step, 2) + <usize>b * 4);
    if (position >= Tk) return INDEX_OUT_OF_RANGE;
    memory.copy(<usize>argument(step, 3) + (<usize>b * <usize>Tk + <usize>position) * bytes, <usize>argument(step, 1) + <usize>b * bytes, bytes);
  }
  return 0;
}

/** Arguments: 1 x, 2 starts, 3 cache, 4 B, 5 R, 6 Tk, 7 D. */
export function cacheWriteRows(step: usize, thread: i32, threads: i32): i32 {
  const B = size(step, 4);
  const R = argument(step, 5);
  const Tk = argument(step, 6);
  const rowBytes = <usize>argument(step, 7) * 4;
  const bytes = <usize>R * rowBytes;
  for (let b = firstItem(B, thread, threads), end = firstItem(B, thread + 1, threads); b < end; b++) {
    const start = load<u32>(<usize>argument(step, 2) + <usize>b * 4);
    if (start > Tk - R) return INDEX_OUT_OF_RANGE;
    memory.copy(<usize>argument(step, 3) + (<usize>b * <usize>Tk + <usize>start) * rowBytes, <usize>argument(step, 1) + <usize>b * bytes, bytes);
  }
  return 0;
}

/** fold of mul(a, b) over two vectors in memory order, scalar. */
export function foldProducts(a: usize, b: usize, count: i32): f32 {
  let total: f32 = 0;
  for (let start = 0; start < count; start += 64) {
    let partial: f32 = 0;
    for (let i = start, stop = min(start + 64, count); i < stop; i++) {
      partial = add1(partial, mul1(load<f32>(a + <usize>i * 4), load<f32>(b + <usize>i * 4)));
    }
    total = add1(total, partial);
  }
  return total;
}
