// One row by a matrix whose columns lie along k, as in generating a token. Each value of the matrix is read,
// rounded and used in registers, in one pass over memory and without a barrier.
import { canon4, column0, column1, column2, column3, lattice4, loadN, storeN } from './canon';
import { argument, firstItem, size } from './step';
import { highOf, lowOf, onePair, pairsAt } from './lanes';
import { LANES } from './panels';
import { multiplyRowPrepacked } from './prepacked';

/**
 * Arguments: 1 row, 2 right [N][K], 3 out, 4 N, 5 K, 6 right is bf16, 7 scratch, 8 bytes of scratch a thread
 * (K values), 9 the prepacked copy of right, or 0.
 */
export function matmulRow(step: usize, thread: i32, threads: i32): i32 {
  const row = <usize>argument(step, 1);
  const right = <usize>argument(step, 2);
  const out = <usize>argument(step, 3);
  const N = size(step, 4);
  const K = size(step, 5);
  const half = size(step, 6);
  const a = <usize>argument(step, 7) + <usize>thread * <usize>argument(step, 8);
  const rowBytes = <usize>K << (half ? 1 : 2);
  const copy = <usize>argument(step, 9);
  for (let k = 0; k < K; k += 4) {
    const at = <usize>k * 4;
    storeN(a + at, lattice4(loadN(row + at, K - k)), K - k);
  }
  const panels = (N + LANES - 1) / LANES;
  const end = firstItem(panels, thread + 1, threads);
  if (copy != 0) {
    multiplyRowPrepacked(a, copy, out, N, K, firstItem(panels, thread, threads), end);
    return 0;
  }
  for (let p = firstItem(panels, thread, threads); p < end; p++) {
    const first = p * LANES;
    // Columns past the last one repeat it. Their results are not stored.
    const last = N - 1;
    const r0 = right + <usize>first * rowBytes;
    const r1 = right + <usize>min(first + 1, last) * rowBytes;
    const r2 = right + <usize>min(first + 2, last) * rowBytes;
    const r3 = right + <usize>min(first + 3, last) * rowBytes;
    const r4 = right + <usize>min(first + 4, last) * rowBytes;
    const r5 = right + <usize>min(first + 5, last) * rowBytes;
    const r6 = right + <usize>min(first + 6, last) * rowBytes;
    const r7 = right + <usize>min(first + 7, last) * rowBytes;
    const to = out + <usize>first * 4;
    if (half) fold<u16>(a, K, r0, r1, r2, r3, r4, r5, r6, r7, to, N - first);
    else fold<f32>(a, K, r0, r1, r2, r3, r4, r5, r6, r7, to, N - first);
  }
  return 0;
}

/** Eight columns of values of T (f32, or u16 for bf16), of which `width` are stored. */
function fold<T>(
  a: usize, K: i32, r0: usize, r1: usize, r2: usize, r3: usize, r4: usize, r5: usize, r6: usize, r7: usize, out: usize, width: i32,
): void {
  let lowTotal = f32x4.splat(0);
  let highTotal = f32x4.splat(0);
  let at: usize = 0;
  for (let block = 0; block < K; block += 64) {
    const count = min(K - block, 64);
    let low = f32x4.splat(0);
    let high = f32x4.splat(0);
    const whole = at + <usize>(count & ~3) * sizeof<T>();
    for (; at < whole; at += 4 * sizeof<T>()) {
      const left = a + (at / sizeof<T>()) * 4;
      const x = pairsAt<T>(r0 + at, r4 + at);
      const y = pairsAt<T>(r1 + at, r5 + at);
      const z = pairsAt<T>(r2 + at, r6 + at);
      const w = pairsAt<T>(r3 + at, r7 + at);
      const p0 = column0(x, y, z, w);
      const s0 = v128.load_splat<f32>(left);
      low = f32x4.add(low, f32x4.mul(s0, lowOf(p0)));
      high = f32x4.add(high, f32x4.mul(s0, highOf(p0)));
      const p1 = column1(x, y, z, w);
      const s1 = v128.load_splat<f32>(left, 4);
      low = f32x4.add(low, f32x4.mul(s1, lowOf(p1)));
      high = f32x4.add(high, f32x4.mul(s1, highOf(p1)));
      const p2 = column2(x, y, z, w);
      const s2 = v128.load_splat<f32>(left, 8);
      low = f32x4.add(low, f32x4.mul(s2, lowOf(p2)));
      high = f32x4.add(high, f32x4.mul(s2, highOf(p2)));
      const p3 = column3(x, y, z, w);
      const s3 = v128.load_splat<f32>(left, 12);
      low = f32x4.add(low, f32x4.mul(s3, lowOf(p3)));
      high = f32x4.add(high, f32x4.mul(s3, highOf(p3)));
    }
    for (const end = whole + <usize>(count & 3) * sizeof<T>(); at < end; at += sizeof<T>()) {
      const p = column0(onePair<T>(r0 + at, r4 + at), onePair<T>(r1 + at, r5 + at), onePair<T>(r2 + at, r6 + at), onePair<T>(r3 + at, r7 + at));
      const s = v128.load_splat<f32>(a + (at / sizeof<T>()) * 4);
      low = f32x4.add(low, f32x4.mul(s, lowOf(p)));
      high = f32x4.add(high, f32x4.mul(s, highOf(p)));
    }
    lowTotal = f32x4.add(lowTotal, low);
    highTotal = f32x4.add(highTotal, high);
  }
  storeN(out, canon4(lowTotal), width);
  if (width > 4) storeN(out + 16, canon4(highTotal), width - 4);
}
