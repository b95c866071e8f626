// A copy of a matrix whose columns lie along k, in the order in which products read it: panels of eight
// columns on the lattice, [panel][k][4] words, a word with the upper halves of columns j and j + 4. Columns
// past the last one repeat it. The host makes the copy for a matrix that many products take.
import { canon4, storeN } from './canon';
import { argument, firstItem, size } from './step';
import { highOf, lowOf, packPairs } from './lanes';
import { LANES } from './panels';

/** Bytes of one k of a panel. */
export const PREPACKED_BYTES: usize = 16;

/** Arguments: 1 right [N][K], 2 the copy, 3 N, 4 K, 5 right is bf16. */
export function prepack(step: usize, thread: i32, threads: i32): i32 {
  const right = <usize>argument(step, 1);
  const copy = <usize>argument(step, 2);
  const N = size(step, 3);
  const K = size(step, 4);
  const half = size(step, 5);
  const panels = (N + LANES - 1) / LANES;
  for (let p = firstItem(panels, thread, threads), end = firstItem(panels, thread + 1, threads); p < end; p++) {
    const dst = copy + <usize>p * <usize>K * PREPACKED_BYTES;
    if (half) packPairs<u16>(right, <usize>K * 2, p * LANES, N, K, dst);
    else packPairs<f32>(right, <usize>K * 4, p * LANES, N, K, dst);
  }
  return 0;
}

/** The lane panel dst[k][8] of `count` values of k of a copy's panel. */
export function expandPanel(panel: usize, count: i32, dst: usize): void {
  for (const end = panel + <usize>count * PREPACKED_BYTES; panel < end; panel += PREPACKED_BYTES, dst += 32) {
    const pairs = v128.load(panel);
    v128.store(dst, lowOf(pairs));
    v128.store(dst, highOf(pairs), 16);
  }
}

/** out[N] = the row a[K], on the lattice, by a copy's columns from panel `from` to before panel `to`. */
export function multiplyRowPrepacked(a: usize, copy: usize, out: usize, N: i32, K: i32, from: i32, to: i32): void {
  const panelBytes = <usize>K * PREPACKED_BYTES;
  let p = from;
  for (; p + 4 <= to; p += 4) {
    const panel = copy + <usize>p * panelBytes;
    fourPanels(a, panel, panelBytes, K, out + <usize>(p * LANES) * 4, N - p * LANES);
  }
  for (; p < to; p++) onePanel(a, copy + <usize>p * panelBytes, K, out + <usize>(p * LANES) * 4, N - p * LANES);
}

/** Neighbouring panels hide the time that one sum waits for its last term. `width` columns are stored. */
function fourPanels(a: usize, b0: usize, panelBytes: usize, K: i32, out: usize, width: i32): void {
  let b1 = b0 + panelBytes;
  let b2 = b1 + panelBytes;
  let b3 = b2 + panelBytes;
  let t0 = f32x4.splat(0);
  let t1 = f32x4.splat(0);
  let t2 = f32x4.splat(0);
  let t3 = f32x4.splat(0);
  let t4 = f32x4.splat(0);
  let t5 = f32x4.splat(0);
  let t6 = f32x4.splat(0);
  let t7 = f32x4.splat(0);
  for (let k = 0; k < K; k += 64) {
    let c0 = f32x4.splat(0);
    let c1 = f32x4.splat(0);
    let c2 = f32x4.splat(0);
    let c3 = f32x4.splat(0);
    let c4 = f32x4.splat(0);
    let c5 = f32x4.splat(0);
    let c6 = f32x4.splat(0);
    let c7 = f32x4.splat(0);
    for (const end = a + (<usize>min(K - k, 64) << 2); a < end; a += 4) {
      const s = v128.load_splat<f32>(a);
      const p0 = v128.load(b0);
      c0 = f32x4.add(c0, f32x4.mul(s, lowOf(p0)));
      c1 = f32x4.add(c1, f32x4.mul(s, highOf(p0)));
      const p1 = v128.load(b1);
      c2 = f32x4.add(c2, f32x4.mul(s, lowOf(p1)));
      c3 = f32x4.add(c3, f32x4.mul(s, highOf(p1)));
      const p2 = v128.load(b2);
      c4 = f32x4.add(c4, f32x4.mul(s, lowOf(p2)));
      c5 = f32x4.add(c5, f32x4.mul(s, highOf(p2)));
      const p3 = v128.load(b3);
      c6 = f32x4.add(c6, f32x4.mul(s, lowOf(p3)));
      c7 = f32x4.add(c7, f32x4.mul(s, highOf(p3)));
      b0 += PREPACKED_BYTES;
      b1 += PREPACKED_BYTES;
      b2 += PREPACKED_BYTES;
      b3 += PREPACKED_BYTES;
    }
    t0 = f32x4.add(t0, c0);
    t1 = f32x4.add(t1, c1);
    t2 = f32x4.add(t2, c2);
    t3 = f32x4.add(t3, c3);
    t4 = f32x4.add(t4, c4);
    t5 = f32x4.add(t5, c5);
    t6 = f32x4.add(t6, c6);
    t7 = f32x4.add(t7, c7);
  }
  v128.store(out, canon4(t0));
  v128.store(out, canon4(t1), 16);
  v128.store(out, canon4(t2), 32);
  v128.store(out, canon4(t3), 48);
  v128.store(out, canon4(t4), 64);
  v128.store(out, canon4(t5), 80);
  storePair(out + 96, t6, t7, width - 24);
}

function onePanel(a: usize, b: usize, K: i32, out: usize, width: i32): void {
  let t0 = f32x4.splat(0);
  let t1 = f32x4.splat(0);
  for (let k = 0; k < K; k += 64) {
    let c0 = f32x4.splat(0);
    let c1 = f32x4.splat(0);
    for (const end = a + (<usize>min(K - k, 64) << 2); a < end; a += 4, b += PREPACKED_BYTES) {
      const s = v128.load_splat<f32>(a);
      const pairs = v128.load(b);
      c0 = f32x4.add(c0, f32x4.mul(s, lowOf(pairs)));
      c1 = f32x4.add(c1, f32x4.mul(s, highOf(pairs)));
    }
    t0 = f32x4.add(t0, c0);
    t1 = f32x4.add(t1, c1);
  }
  storePair(out, t0, t1, width);
}

/**
 * out[2][N] = a left panel (matmul.ts) of two rows by a copy's columns, from panel `from` to before panel
 * `to`.
 */
export function multiplyTwoPrepacked(left: usize, copy: usize, out: usize, N: i32, K: i32, from: i32, to: i32): void {
  const panelBytes = <usize>K * PREPACKED_BYTES;
  for (let p = from; p < to; p += 2) {
    const panel = copy + <usize>p * panelBytes;
    // An odd last panel is multiplied twice and stored once.
    const next = p + 1 < to ? panel + panelBytes : panel;
    const width = min(N - p * LANES, (to - p) * LANES);
    twoRows(left, panel, next, K, out + <usize>(p * LANES) * 4, <usize>N * 4, width);
  }
}

/** Two rows by two panels. `width` columns are stored. */
function twoRows(a: usize, b0: usize, b1: usize, K: i32, out: usize, rowBytes: usize, width: i32): void {
  let t00 = f32x4.splat(0);
  let t01 = f32x4.splat(0);
  let t02 = f32x4.splat(0);
  let t03 = f32x4.splat(0);
  let t10 = f32x4.splat(0);
  let t11 = f32x4.splat(0);
  let t12 = f32x4.splat(0);
  let t13 = f32x4.splat(0);
  for (let k = 0; k < K; k += 64) {
    let c00 = f32x4.splat(0);
    let c01 = f32x4.splat(0);
    let c02 = f32x4.splat(0);
    let c03 = f32x4.splat(0);
    let c10 = f32x4.splat(0);
    let c11 = f32x4.splat(0);
    let c12 = f32x4.splat(0);
    let c13 = f32x4.splat(0);
    for (const end = a + (<usize>min(K - k, 64) << 4); a < end; a += 16) {
      const s0 = v128.load_splat<f32>(a);
      const s1 = v128.load_splat<f32>(a, 4);
      const p0 = v128.load(b0);
      const l0 = lowOf(p0);
      c00 = f32x4.add(c00, f32x4.mul(s0, l0));
      c10 = f32x4.add(c10, f32x4.mul(s1, l0));
      const h0 = highOf(p0);
      c01 = f32x4.add(c01, f32x4.mul(s0, h0));
      c11 = f32x4.add(c11, f32x4.mul(s1, h0));
      const p1 = v128.load(b1);
      const l1 = lowOf(p1);
      c02 = f32x4.add(c02, f32x4.mul(s0, l1));
      c12 = f32x4.add(c12, f32x4.mul(s1, l1));
      const h1 = highOf(p1);
      c03 = f32x4.add(c03, f32x4.mul(s0, h1));
      c13 = f32x4.add(c13, f32x4.mul(s1, h1));
      b0 += PREPACKED_BYTES;
      b1 += PREPACKED_BYTES;
    }
    t00 = f32x4.add(t00, c00);
    t01 = f32x4.add(t01, c01);
    t02 = f32x4.add(t02, c02);
    t03 = f32x4.add(t03, c03);
    t10 = f32x4.add(t10, c10);
    t11 = f32x4.add(t11, c11);
    t12 = f32x4.add(t12, c12);
    t13 = f32x4.add(t13, c13);
  }
  storePair(out, t00, t01, width);
  storePair(out + 32, t02, t03, width - 8);
  storePair(out + rowBytes, t10, t11, width);
  storePair(out + rowBytes + 32, t12, t13, width - 8);
}

/** canon of the sums of eight columns, of which `width` are stored. */
function storePair(out: usize, low: v128, high: v128, width: i32): void {
  if (width > 0) storeN(out, canon4(low), width);
  if (width > 4) storeN(out + 16, canon4(high), width - 4);
}
