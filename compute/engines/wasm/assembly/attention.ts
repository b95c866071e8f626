// Grouped-query attention. Forward and grad.q put 8 query rows of one (batch entry, key/value head) pair in
// the lanes, and the threads share these groups of 8. grad.kv puts 8 keys in the lanes, and each thread takes
// whole pairs.
import { add4, column0, column1, column2, column3, lattice4, mul4, storeN, sub4 } from './canon';
import { argument, constant, firstItem, size } from './step';
import { exp4, recip4 } from './functions';
import { packLanes } from './lanes';
import { LANES, ROWS, multiplyPanels, packColumns, packRows, packRowsOf } from './panels';

const MINUS_MAX: f32 = reinterpret<f32>(<u32>0xff7fffff);

// Arguments shared by the four attention kernels: 1 q, 2 k, 3 v, 4 positions, 5 stats, 6 dout, 7 delta, 8
// out, 9 second out, 10 B, 11 Tq, 12 Tk, 13 heads, 14 kvHeads, 15 headDim, 16 scale, 17 scratch, 18 scratch
// bytes a thread.

@inline
function pad4(n: i32): i32 {
  return (n + 3) & ~3;
}

/** Keys that a query row at `position` sees. */
@inline
function visible(position: u32, Tk: i32): i32 {
  return <i32>min<u32>(position, <u32>(Tk - 1)) + 1;
}

/** The 8 query rows in the lanes; rows past the end repeat the last one. */
@inline
function rowAt(first: i32, lane: i32, rows: i32): i32 {
  return min(first + lane, rows - 1);
}

/** tile[d][8 rows] to rows of `out`, each value times scale lane-wise; row r of the pair lies at base(r). */
function scatterRows(
  tile: usize, headDim: i32, first: i32, rows: i32, rep: i32,
  out: usize, tokenBytes: usize, headBytes: usize, scaleLow: v128, scaleHigh: v128,
): void {
  for (let half = 0; half < 2; half++) {
    const start = first + half * 4;
    if (start >= rows) return;
    const scale = half == 0 ? scaleLow : scaleHigh;
    for (let d = 0; d < headDim; d += 4) {
      const p = tile + <usize>d * 32 + <usize>half * 16;
      const a = mul4(v128.load(p), scale);
      const b = mul4(v128.load(p, 32), scale);
      const c = mul4(v128.load(p, 64), scale);
      const e = mul4(v128.load(p, 96), scale);
      const left = headDim - d;
      const at = out + <usize>d * 4;
      storeN(at + <usize>(start / rep) * tokenBytes + <usize>(start % rep) * headBytes, column0(a, b, c, e), left);
      if (start + 1 < rows)
        storeN(at + <usize>((start + 1) / rep) * tokenBytes + <usize>((start + 1) % rep) * headBytes, column1(a, b, c, e), left);
      if (start + 2 < rows)
        storeN(at + <usize>((start + 2) / rep) * tokenBytes + <usize>((start + 2) % rep) * headBytes, column2(a, b, c, e), left);
      if (start + 3 < rows)
        storeN(at + <usize>((start + 3) / rep) * tokenBytes + <usize>((start + 3) % rep) * headBytes, column3(a, b, c, e), left);
    }
  }
}

/** Packs the 8 query rows first .. first + 7 of a pair into [d][8]. */
function packQueryRows(
  base: usize, first: i32, rows: i32, rep: i32, tokenBytes: usize, headBytes: usize, headDim: i32, dst: usize,
): void {
  for (let half = 0; half < 2; half++) {
    const r0 = rowAt(first, half * 4, rows);
    const r1 = rowAt(first, half * 4 + 1, rows);
    const r2 = rowAt(first, half * 4 + 2, rows);
    const r3 = rowAt(first, half * 4 + 3, rows);
    packRows(
      base + <usize>(r0 / rep) * tokenBytes + <usize>(r0 % rep) * headBytes,
      base + <usize>(r1 / rep) * tokenBytes + <usize>(r1 % rep) * headBytes,
      base + <usize>(r2 / rep) * tokenBytes + <usize>(r2 % rep) * headBytes,
      base + <usize>(r3 / rep) * tokenBytes + <usize>(r3 % rep) * headBytes,
      headDim,
      dst + <usize>half * 16,
      32,
    );
  }
}

/** Panels [keys / 4][d][4] of keys 0 .. count - 1: the dot products' left side. */
function packKeyRows(base: usize, rowBytes: usize, count: i32, headDim: i32, dst: usize): void {
  for (let j = 0; j < count; j += 4) {
    packRowsOf(base, rowBytes, j, count, headDim, dst, 16);
    dst += <usize>headDim * 16;
  }
}

/** Panels [d / 4][row][4] of `count` rows: the left side of products that fold over rows. */
function packDims(base: usize, rowBytes: usize, count: i32, headDim: i32, dst: usize): void {
  for (let d = 0; d < headDim; d += 4) {
    packColumns(base + <usize>d * 4, rowBytes, headDim - d, count, dst, 16);
    dst += <usize>count * 16;
  }
}

/** The most keys that any query row of batch entry b sees. */
function mostVisible(positions: usize, b: i32, Tq: i32, Tk: i32): i32 {
  let most: i32 = 0;
  for (let i = 0; i < Tq; i++) most = max(most, visible(load<u32>(positions + <usize>(b * Tq + i) * 4), Tk));
  return most;
}

export function attention(step: usize, thread: i32, threads: i32): i32 {
  const positions = <usize>argument(step, 4);
  const stats = <usize>argument(step, 5);
  const B = size(step, 10);
  const Tq = size(step, 11);
  const Tk = size(step, 12);
  const heads = size(step, 13);
  const kvHeads = size(step, 14);
  const hd = size(step, 15);
  const scale = f32x4.splat(constant(step, 16));
  const rep = heads / kvHeads;
  const rows = Tq * rep;
  const headBytes = <usize>hd * 4;
  const tokenBytes = <usize>heads * headBytes;
  const keyBytes = <usize>kvHeads * headBytes;

  const keyPanels = <usize>argument(step, 17) + <usize>thread * <usize>argument(step, 18);
  const valuePanels = keyPanels + <usize>pad4(Tk) * headBytes;
  const queries = valuePanels + <usize>Tk * <usize>pad4(hd) * 4;
  const scores = queries + <usize>hd * 32;
  const result = scores + <usize>pad4(Tk) * 32;

  // Eight rows are one item. A thread that comes to a new pair packs its keys and values.
  const groups = (rows + LANES - 1) / LANES;
  const items = B * kvHeads * groups;
  let packed = -1;
  let most = 0;
  for (let item = firstItem(items, thread, threads), last = firstItem(items, thread + 1, threads); item < last; item++) {
    const pair = item / groups;
    const first = (item % groups) * LANES;
    const b = pair / kvHeads;
    const g = pair % kvHeads;
    const firstKey = <usize>(b * Tk) * keyBytes + <usize>g * headBytes;
    if (pair != packed) {
      packed = pair;
      most = mostVisible(positions, b, Tq, Tk);
      packKeyRows(<usize>argument(step, 2) + firstKey, keyBytes, most, hd, keyPanels);
      packDims(<usize>argument(step, 3) + firstKey, keyBytes, most, hd, valuePanels);
    }
    const query = <usize>argument(step, 1) + <usize>(b * Tq) * tokenBytes + <usize>(g * rep) * headBytes;
    const out = <usize>argument(step, 8) + <usize>(b * Tq) * tokenBytes + <usize>(g * rep) * headBytes;

    packQueryRows(query, first, rows, rep, tokenBytes, headBytes, hd, queries);
    // Visible keys of each lane's row.
    let n0 = i32x4.splat(0);
    let n1 = i32x4.splat(0);
    let count: i32 = 0;
    for (let lane = 0; lane < LANES; lane++) {
      const n = visible(load<u32>(positions + <usize>(b * Tq + rowAt(first, lane, rows) / rep) * 4), Tk);
      count = max(count, n);
      const at = i32x4.eq(i32x4(0, 1, 2, 3), i32x4.splat(lane & 3));
      if (lane < 4) n0 = v128.bitselect(i32x4.splat(n), n0, at);
      else n1 = v128.bitselect(i32x4.splat(n), n1, at);
    }
    for (let j = 0; j < count; j += ROWS) {
      multiplyPanels(keyPanels + <usize>j * headBytes, queries, scores + <usize>j * 32, 32, hd, 0, true, true);
    }
    let m0 = f32x4.splat(MINUS_MAX);
    let m1 = m0;
    for (let j = 0; j < count; j++) {
      const p = scores + <usize>j * 32;
      const key = i32x4.splat(j);
      const s0 = v128.bitselect(mul4(v128.load(p), scale), f32x4.splat(MINUS_MAX), i32x4.gt_s(n0, key));
      const s1 = v128.bitselect(mul4(v128.load(p, 16), scale), f32x4.splat(MINUS_MAX), i32x4.gt_s(n1, key));
      m0 = f32x4.pmax(m0, s0);
      m1 = f32x4.pmax(m1, s1);
      v128.store(p, s0);
      v128.store(p, s1, 16);
    }
    // Each p is in [0, 1.0001], so canon is the identity on the sums.
    let l0 = f32x4.splat(0);
    let l1 = f32x4.splat(0);
    for (let start = 0; start < count; start += 64) {
      let b0 = f32x4.splat(0);
      let b1 = f32x4.splat(0);
      for (let j = start, end = min(start + 64, count); j < end; j++) {
        const p = scores + <usize>j * 32;
        const key = i32x4.splat(j);
        const p0 = v128.and(exp4(sub4(v128.load(p), m0)), i32x4.gt_s(n0, key));
        const p1 = v128.and(exp4(sub4(v128.load(p, 16), m1)), i32x4.gt_s(n1, key));
        b0 = f32x4.add(b0, p0);
        b1 = f32x4.add(b1, p1);
        v128.store(p, lattice4(p0));
        v128.store(p, lattice4(p1), 16);
      }
      l0 = f32x4.add(l0, b0);
      l1 = f32x4.add(l1, b1);
    }
    const r0 = recip4(l0);
    const r1 = recip4(l1);
    for (let d = 0; d < hd; d += 4) {
      multiplyPanels(valuePanels + <usize>d * <usize>most * 4, scores, result + <usize>d * 32, 32, count, 0, true, true);
    }
    scatterRows(result, hd, first, rows, rep, out, tokenBytes, headBytes, r0, r1);
    v128.store(queries, m0);
    v128.store(queries, m1, 16);
    v128.store(queries, r0, 32);
    v128.store(queries, r1, 48);
    for (let lane = 0; lane < LANES && first + lane < rows; lane++) {
      const r = first + lane;
      const at = stats + <usize>((b * Tq + r / rep) * heads + g * rep + (r % rep)) * 8;
      store<f32>(at, load<f32>(queries + <usize>lane * 4));
      store<f32>(at, load<f32>(queries + <usize>lane * 4, 32), 4);
    }
  }
  return 0;
}

/** Four floats of a per-(token, head) array with `stride` bytes an entry, for 4 query rows of a pair. */
function gatherRows(base: usize, stride: usize, b: i32, g: i32, first: i32, rows: i32, rep: i32, Tq: i32, heads: i32): v128 {
  const token = b * Tq;
  const head = g * rep;
  const r0 = rowAt(first, 0, rows);
  const r1 = rowAt(first, 1, rows);
  const r2 = rowAt(first, 2, rows);
  const r3 = rowAt(first, 3, rows);
  return f32x4(
    load<f32>(base + <usize>((token + r0 / rep) * heads + head + (r0 % rep)) * stride),
    load<f32>(base + <usize>((token + r1 / rep) * heads + head + (r1 % rep)) * stride),
    load<f32>(base + <usize>((token + r2 / rep) * heads + head + (r2 % rep)) * stride),
    load<f32>(base + <usize>((token + r3 / rep) * heads + head + (r3 % rep)) * stride),
  );
}

export function attentionGradQ(step: usize, thread: i32, threads: i32): i32 {
  const positions = <usize>argument(step, 4);
  const stats = <usize>argument(step, 5);
  const delta = <usize>argument(step, 7);
  const B = size(step, 10);
  const Tq = size(step, 11);
  const Tk = size(step, 12);
  const heads = size(step, 13);
  const kvHeads = size(step, 14);
  const hd = size(step, 15);
  const scale = f32x4.splat(constant(step, 16));
  const rep = heads / kvHeads;
  const rows = Tq * rep;
  const headBytes = <usize>hd * 4;
  const tokenBytes = <usize>heads * headBytes;
  const keyBytes = <usize>kvHeads * headBytes;

  const keyPanels = <usize>argument(step, 17) + <usize>thread * <usize>argument(step, 18);
  const valuePanels = keyPanels + <usize>pad4(Tk) * headBytes;
  const keyDims = valuePanels + <usize>pad4(Tk) * headBytes;
  const queries = keyDims + <usize>Tk * <usize>pad4(hd) * 4;
  const douts = queries + <usize>hd * 32;
  const scores = douts + <usize>hd * 32;
  const products = scores + <usize>pad4(Tk) * 32;
  const result = products + <usize>pad4(Tk) * 32;

  // Eight rows are one item. A thread that comes to a new pair packs its keys and values.
  const groups = (rows + LANES - 1) / LANES;
  const items = B * kvHeads * groups;
  let packed = -1;
  let most = 0;
  for (let item = firstItem(items, thread, threads), last = firstItem(items, thread + 1, threads); item < last; item++) {
    const pair = item / groups;
    const first = (item % groups) * LANES;
    const b = pair / kvHeads;
    const g = pair % kvHeads;
    const firstKey = <usize>(b * Tk) * keyBytes + <usize>g * headBytes;
    if (pair != packed) {
      packed = pair;
      most = mostVisible(positions, b, Tq, Tk);
      packKeyRows(<usize>argument(step, 2) + firstKey, keyBytes, most, hd, keyPanels);
      packKeyRows(<usize>argument(step, 3) + firstKey, keyBytes, most, hd, valuePanels);
      packDims(<usize>argument(step, 2) + firstKey, keyBytes, most, hd, keyDims);
    }
    const firstRow = <usize>(b * Tq) * tokenBytes + <usize>(g * rep) * headBytes;

    packQueryRows(<usize>argument(step, 1) + firstRow, first, rows, rep, tokenBytes, headBytes, hd, queries);
    packQueryRows(<usize>argument(step, 6) + firstRow, first, rows, rep, tokenBytes, headBytes, hd, douts);
    let n0 = i32x4.splat(0);
    let n1 = i32x4.splat(0);
    let count: i32 = 0;
    for (let lane = 0; lane < LANES; lane++) {
      const n = visible(load<u32>(positions + <usize>(b * Tq + rowAt(first, lane, rows) / rep) * 4), Tk);
      count = max(count, n);
      const at = i32x4.eq(i32x4(0, 1, 2, 3), i32x4.splat(lane & 3));
      if (lane < 4) n0 = v128.bitselect(i32x4.splat(n), n0, at);
      else n1 = v128.bitselect(i32x4.splat(n), n1, at);
    }
    const m0 = gatherRows(stats, 8, b, g, first, rows, rep, Tq, heads);
    const m1 = gatherRows(stats, 8, b, g, first + 4, rows, rep, Tq, heads);
    const r0 = gatherRows(stats + 4, 8, b, g, first, rows, rep, Tq, heads);
    const r1 = gatherRows(stats + 4, 8, b, g, first + 4, rows, rep, Tq, heads);
    const delta0 = gatherRows(delta, 4, b, g, first, rows, rep, Tq, heads);
    const delta1 = gatherRows(delta, 4, b, g, first + 4, rows, rep, Tq, heads);
    for (let j = 0; j < count; j += ROWS) {
      multiplyPanels(keyPanels + <usize>j * headBytes, queries, scores + <usize>j * 32, 32, hd, 0, true, true);
      multiplyPanels(valuePanels + <usize>j * headBytes, douts, products + <usize>j * 32, 32, hd, 0, true, true);
    }
    for (let j = 0; j < count; j++) {
      const at = <usize>j * 32;
      const key = i32x4.splat(j);
      const p0 = mul4(exp4(sub4(mul4(v128.load(scores + at), scale), m0)), r0);
      const p1 = mul4(exp4(sub4(mul4(v128.load(scores + at, 16), scale), m1)), r1);
      const ds0 = mul4(p0, sub4(v128.load(products + at), delta0));
      const ds1 = mul4(p1, sub4(v128.load(products + at, 16), delta1));
      v128.store(scores + at, v128.and(lattice4(ds0), i32x4.gt_s(n0, key)));
      v128.store(scores + at, v128.and(lattice4(ds1), i32x4.gt_s(n1, key)), 16);
    }
    for (let d = 0; d < hd; d += 4) {
      multiplyPanels(keyDims + <usize>d * <usize>most * 4, scores, result + <usize>d * 32, 32, count, 0, true, true);
    }
    scatterRows(result, hd, first, rows, rep, <usize>argument(step, 8) + firstRow, tokenBytes, headBytes, scale, scale);
  }
  return 0;
}

/**
 * Adds tile[d][8 keys] (times scale, if asked) to rows of `out`, `rowBytes` apart; the first head of a group
 * writes add(+0, x) = x.
 */
function accumulateKeys(tile: usize, hd: i32, firstKey: i32, keys: i32, out: usize, rowBytes: usize, fresh: bool): void {
  for (let half = 0; half < 2; half++) {
    const start = firstKey + half * 4;
    if (start >= keys) return;
    for (let d = 0; d < hd; d += 4) {
      const p = tile + <usize>d * 32 + <usize>half * 16;
      const a = v128.load(p);
      const b = v128.load(p, 32);
      const c = v128.load(p, 64);
      const e = v128.load(p, 96);
      accumulateRow(out, rowBytes, start, keys, d, hd - d, column0(a, b, c, e), fresh);
      accumulateRow(out, rowBytes, start + 1, keys, d, hd - d, column1(a, b, c, e), fresh);
      accumulateRow(out, rowBytes, start + 2, keys, d, hd - d, column2(a, b, c, e), fresh);
      accumulateRow(out, rowBytes, start + 3, keys, d, hd - d, column3(a, b, c, e), fresh);
    }
  }
}

function accumulateRow(out: usize, rowBytes: usize, key: i32, keys: i32, d: i32, left: i32, x: v128, fresh: bool): void {
  if (key >= keys) return;
  const at = out + <usize>key * rowBytes + <usize>d * 4;
  if (fresh) {
    storeN(at, x, left);
    return;
  }
  if (left >= 4) {
    v128.store(at, add4(v128.load(at), x));
    return;
  }
  let old = v128.load32_zero(at);
  if (left > 1) old = v128.load_lane<f32>(at + 4, old, 1);
  if (left > 2) old = v128.load_lane<f32>(at + 8, old, 2);
  storeN(at, add4(old, x), left);
}

export function attentionGradKv(step: usize, thread: i32, threads: i32): i32 {
  const positions = <usize>argument(step, 4);
  const stats = <usize>argument(step, 5);
  const delta = <usize>argument(step, 7);
  const B = size(step, 10);
  const Tq = size(step, 11);
  const Tk = size(step, 12);
  const heads = size(step, 13);
  const kvHeads = size(step, 14);
  const hd = size(step, 15);
  const scale = f32x4.splat(constant(step, 16));
  const rep = heads / kvHeads;
  const headBytes = <usize>hd * 4;
  const tokenBytes = <usize>heads * headBytes;
  const keyBytes = <usize>kvHeads * headBytes;
  const rowsPadded = <usize>pad4(Tq);

  const queryPanels = <usize>argument(step, 17) + <usize>thread * <usize>argument(step, 18);
  const doutPanels = queryPanels + rowsPadded * headBytes;
  const queryDims = doutPanels + rowsPadded * headBytes;
  const doutDims = queryDims + <usize>Tq * <usize>pad4(hd) * 4;
  const keys = doutDims + <usize>Tq * <usize>pad4(hd) * 4;
  const values = keys + <usize>hd * 32;
  const weights = values + <usize>hd * 32;
  const terms = weights + rowsPadded * 32;
  const result = terms + rowsPadded * 32;

  for (let pair = firstItem(B * kvHeads, thread, threads), last = firstItem(B * kvHeads, thread + 1, threads); pair < last; pair++) {
    const b = pair / kvHeads;
    const g = pair % kvHeads;
    const firstKey = <usize>(b * Tk) * keyBytes + <usize>g * headBytes;
    const most = mostVisible(positions, b, Tq, Tk);
    const dk = <usize>argument(step, 8) + firstKey;
    const dv = <usize>argument(step, 9) + firstKey;
    for (let j = most; j < Tk; j++) {
      memory.fill(dk + <usize>j * keyBytes, 0, headBytes);
      memory.fill(dv + <usize>j * keyBytes, 0, headBytes);
    }
    for (let h = g * rep; h < (g + 1) * rep; h++) {
      const fresh = h == g * rep;
      const firstRow = <usize>(b * Tq) * tokenBytes + <usize>h * headBytes;
      packKeyRows(<usize>argument(step, 1) + firstRow, tokenBytes, Tq, hd, queryPanels);
      packKeyRows(<usize>argument(step, 6) + firstRow, tokenBytes, Tq, hd, doutPanels);
      packDims(<usize>argument(step, 1) + firstRow, tokenBytes, Tq, hd, queryDims);
      packDims(<usize>argument(step, 6) + firstRow, tokenBytes, Tq, hd, doutDims);
      for (let j = 0; j < most; j += LANES) {
        packLanes(<usize>argument(step, 2) + firstKey, keyBytes, j, most, hd, 1, 0, keys);
        packLanes(<usize>argument(step, 3) + firstKey, keyBytes, j, most, hd, 1, 0, values);
        // Rows before the first that sees key j see none of these 8 keys: their terms are +0.
        let skip = 0;
        while (skip < Tq && visible(load<u32>(positions + <usize>(b * Tq + skip) * 4), Tk) <= j) skip++;
        const start = skip & ~3;
        for (let i = start; i < Tq; i += ROWS) {
          multiplyPanels(queryPanels + <usize>i * headBytes, keys, weights + <usize>i * 32, 32, hd, 0, true, true);
          multiplyPanels(doutPanels + <usize>i * headBytes, values, terms + <usize>i * 32, 32, hd, 0, true, true);
        }
        const key0 = i32x4.add(i32x4(0, 1, 2, 3), i32x4.splat(j));
        const key1 = i32x4.add(i32x4(4, 5, 6, 7), i32x4.splat(j));
        for (let i = start; i < Tq; i++) {
          const row = <usize>((b * Tq + i) * heads + h);
          const m = v128.load_splat<f32>(stats + row * 8);
          const r = v128.load_splat<f32>(stats + row * 8, 4);
          const dl = v128.load_splat<f32>(delta + row * 4);
          const seen = i32x4.splat(visible(load<u32>(positions + <usize>(b * Tq + i) * 4), Tk));
          const mask0 = i32x4.gt_s(seen, key0);
          const mask1 = i32x4.gt_s(seen, key1);
          const w = weights + <usize>i * 32;
          const t = terms + <usize>i * 32;
          const p0 = mul4(exp4(sub4(mul4(v128.load(w), scale), m)), r);
          const p1 = mul4(exp4(sub4(mul4(v128.load(w, 16), scale), m)), r);
          const ds0 = mul4(p0, sub4(v128.load(t), dl));
          const ds1 = mul4(p1, sub4(v128.load(t, 16), dl));
          v128.store(w, v128.and(lattice4(p0), mask0));
          v128.store(w, v128.and(lattice4(p1), mask1), 16);
          v128.store(t, v128.and(lattice4(ds0), mask0));
          v128.store(t, v128.and(lattice4(ds1), mask1), 16);
        }
        const from = <usize>start;
        const dimBytes = <usize>Tq * 16;
        for (let d = 0; d < hd; d += 4) {
          multiplyPanels(doutDims + <usize>(d >> 2) * dimBytes + from * 16, weights + from * 32, result + <usize>d * 32, 32, Tq - start, start & 63, true, true);
        }
        accumulateKeys(result, hd, j, most, dv, keyBytes, fresh);
        for (let d = 0; d < hd; d += 4) {
          const tile = result + <usize>d * 32;
          multiplyPanels(queryDims + <usize>(d >> 2) * dimBytes + from * 16, terms + from * 32, tile, 32, Tq - start, start & 63, true, true);
          for (let i: usize = 0; i < 128; i += 16) v128.store(tile + i, mul4(v128.load(tile + i), scale));
        }
        accumulateKeys(result, hd, j, most, dk, keyBytes, fresh);
      }
    }
  }
  return 0;
}

/** Arguments: 1 dout, 2 o, 3 delta, 4 N * heads, 5 headDim. Four rows in the lanes. */
export function attentionDelta(step: usize, thread: i32, threads: i32): i32 {
  const dout = <usize>argument(step, 1);
  const o = <usize>argument(step, 2);
  const delta = <usize>argument(step, 3);
  const rows = size(step, 4);
  const hd = size(step, 5);
  const bytes = <usize>hd * 4;
  const groups = (rows + 3) / 4;
  for (let group = firstItem(groups, thread, threads), end = firstItem(groups, thread + 1, threads); group < end; group++) {
    const first = group * 4;
    const last = rows - 1;
    const r0 = <usize>first * bytes;
    const r1 = <usize>min(first + 1, last) * bytes;
    const r2 = <usize>min(first + 2, last) * bytes;
    const r3 = <usize>min(first + 3, last) * bytes;
    let total = f32x4.splat(0);
    for (let start = 0; start < hd; start += 64) {
      let partial = f32x4.splat(0);
      for (let d = start, stop = min(start + 64, hd); d < stop; d++) {
        const at = <usize>d * 4;
        const x = f32x4(load<f32>(dout + r0 + at), load<f32>(dout + r1 + at), load<f32>(dout + r2 + at), load<f32>(dout + r3 + at));
        const y = f32x4(load<f32>(o + r0 + at), load<f32>(o + r1 + at), load<f32>(o + r2 + at), load<f32>(o + r3 + at));
        partial = add4(partial, mul4(x, y));
      }
      total = add4(total, partial);
    }
    storeN(delta + <usize>first * 4, total, rows - first);
  }
  return 0;
}
