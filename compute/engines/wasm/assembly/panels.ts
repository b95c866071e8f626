// Lattice products of packed panels: the inner loop of matmul and attention.
//
// A "splat" panel holds 4 rows of the left operand interleaved, [k][4]; a "lane" panel holds 8 columns of the
// right operand, [k][8]. Both are lattice-rounded while they are packed, so each product is exact and each
// block partial needs no canon. Blocks of 64 along k start at +0 and are added to the totals kept in the
// output tile.
import { canon4, column0, column1, column2, column3, lattice4, loadN } from './canon';

export const ROWS: i32 = 4;
export const LANES: i32 = 8;

/** Interleaves 4 rows of `count` values into dst[k][4], `stride` bytes from one k to the next. */
export function packRows(r0: usize, r1: usize, r2: usize, r3: usize, count: i32, dst: usize, stride: usize): void {
  let k = 0;
  for (; k + 4 <= count; k += 4) {
    const a = lattice4(v128.load(r0));
    const b = lattice4(v128.load(r1));
    const c = lattice4(v128.load(r2));
    const d = lattice4(v128.load(r3));
    v128.store(dst, column0(a, b, c, d));
    v128.store(dst + stride, column1(a, b, c, d));
    v128.store(dst + 2 * stride, column2(a, b, c, d));
    v128.store(dst + 3 * stride, column3(a, b, c, d));
    r0 += 16;
    r1 += 16;
    r2 += 16;
    r3 += 16;
    dst += 4 * stride;
  }
  for (; k < count; k++) {
    v128.store(dst, lattice4(f32x4(load<f32>(r0), load<f32>(r1), load<f32>(r2), load<f32>(r3))));
    r0 += 4;
    r1 += 4;
    r2 += 4;
    r3 += 4;
    dst += stride;
  }
}

/**
 * packRows of rows first .. first + 3 of a row-major matrix; rows past `rows` repeat the last one (their
 * results are dropped).
 */
export function packRowsOf(base: usize, rowBytes: usize, first: i32, rows: i32, count: i32, dst: usize, stride: usize): void {
  const last = rows - 1;
  packRows(
    base + <usize>min(first, last) * rowBytes,
    base + <usize>min(first + 1, last) * rowBytes,
    base + <usize>min(first + 2, last) * rowBytes,
    base + <usize>min(first + 3, last) * rowBytes,
    count,
    dst,
    stride,
  );
}

/** Copies 4 neighbouring columns (`valid` of them real, the rest +0) of `count` rows into dst[k][4]. */
export function packColumns(src: usize, rowBytes: usize, valid: i32, count: i32, dst: usize, stride: usize): void {
  if (valid >= 4) {
    for (let k = 0; k < count; k++) {
      v128.store(dst, lattice4(v128.load(src)));
      src += rowBytes;
      dst += stride;
    }
    return;
  }
  for (let k = 0; k < count; k++) {
    v128.store(dst, lattice4(loadN(src, valid)));
    src += rowBytes;
    dst += stride;
  }
}

/**
 * tile[4][8] = lattice fold over k of splat[k][i] * lane[k][j], added to what the tile holds unless `first`,
 * and canon of that if `last`. `lead` terms of the first block have been left out by the caller because they
 * are all +0; blocks stay aligned as if they were there. Rows of the tile are `rowBytes` apart.
 */
export function multiplyPanels(
  a: usize, b: usize, tile: usize, rowBytes: usize, count: i32, lead: i32, first: bool, last: bool,
): void {
  const t1 = tile + rowBytes;
  const t2 = t1 + rowBytes;
  const t3 = t2 + rowBytes;
  let done = 0;
  let block = min(count, 64 - lead);
  while (true) {
    let c00 = f32x4.splat(0);
    let c01 = f32x4.splat(0);
    let c10 = f32x4.splat(0);
    let c11 = f32x4.splat(0);
    let c20 = f32x4.splat(0);
    let c21 = f32x4.splat(0);
    let c30 = f32x4.splat(0);
    let c31 = f32x4.splat(0);
    const end = a + (<usize>block << 4);
    while (a < end) {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      const s0 = v128.load_splat<f32>(a);
      c00 = f32x4.add(c00, f32x4.mul(s0, b0));
      c01 = f32x4.add(c01, f32x4.mul(s0, b1));
      const s1 = v128.load_splat<f32>(a, 4);
      c10 = f32x4.add(c10, f32x4.mul(s1, b0));
      c11 = f32x4.add(c11, f32x4.mul(s1, b1));
      const s2 = v128.load_splat<f32>(a, 8);
      c20 = f32x4.add(c20, f32x4.mul(s2, b0));
      c21 = f32x4.add(c21, f32x4.mul(s2, b1));
      const s3 = v128.load_splat<f32>(a, 12);
      c30 = f32x4.add(c30, f32x4.mul(s3, b0));
      c31 = f32x4.add(c31, f32x4.mul(s3, b1));
      a += 16;
      b += 32;
    }
    if (!first || done > 0) {
      c00 = f32x4.add(v128.load(tile), c00);
      c01 = f32x4.add(v128.load(tile, 16), c01);
      c10 = f32x4.add(v128.load(t1), c10);
      c11 = f32x4.add(v128.load(t1, 16), c11);
      c20 = f32x4.add(v128.load(t2), c20);
      c21 = f32x4.add(v128.load(t2, 16), c21);
      c30 = f32x4.add(v128.load(t3), c30);
      c31 = f32x4.add(v128.load(t3, 16), c31);
    }
    done += block;
    if (last && done >= count) {
      c00 = canon4(c00);
      c01 = canon4(c01);
      c10 = canon4(c10);
      c11 = canon4(c11);
      c20 = canon4(c20);
      c21 = canon4(c21);
      c30 = canon4(c30);
      c31 = canon4(c31);
    }
    v128.store(tile, c00);
    v128.store(tile, c01, 16);
    v128.store(t1, c10);
    v128.store(t1, c11, 16);
    v128.store(t2, c20);
    v128.store(t2, c21, 16);
    v128.store(t3, c30);
    v128.store(t3, c31, 16);
    if (done >= count) return;
    block = min(count - done, 64);
  }
}

/**
 * As multiplyPanels for one row and the columns of two lane panels: row[16]. `a` points at the row's place in
 * its splat panel.
 */
export function multiplyRow(a: usize, b0: usize, b1: usize, row: usize, count: i32, first: bool, last: bool): void {
  let t0 = f32x4.splat(0);
  let t1 = f32x4.splat(0);
  let t2 = f32x4.splat(0);
  let t3 = f32x4.splat(0);
  if (!first) {
    t0 = v128.load(row);
    t1 = v128.load(row, 16);
    t2 = v128.load(row, 32);
    t3 = v128.load(row, 48);
  }
  for (let k = 0; k < count; k += 64) {
    let c0 = f32x4.splat(0);
    let c1 = f32x4.splat(0);
    let c2 = f32x4.splat(0);
    let c3 = f32x4.splat(0);
    const end = a + (<usize>min(count - k, 64) << 4);
    while (a < end) {
      const s = v128.load_splat<f32>(a);
      c0 = f32x4.add(c0, f32x4.mul(s, v128.load(b0)));
      c1 = f32x4.add(c1, f32x4.mul(s, v128.load(b0, 16)));
      c2 = f32x4.add(c2, f32x4.mul(s, v128.load(b1)));
      c3 = f32x4.add(c3, f32x4.mul(s, v128.load(b1, 16)));
      a += 16;
      b0 += 32;
      b1 += 32;
    }
    t0 = f32x4.add(t0, c0);
    t1 = f32x4.add(t1, c1);
    t2 = f32x4.add(t2, c2);
    t3 = f32x4.add(t3, c3);
  }
  v128.store(row, last ? canon4(t0) : t0);
  v128.store(row, last ? canon4(t1) : t1, 16);
  v128.store(row, last ? canon4(t2) : t2, 32);
  v128.store(row, last ? canon4(t3) : t3, 48);
}
