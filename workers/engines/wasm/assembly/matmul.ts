// matmul in two steps with a barrier between them: pack both operands into panels, then multiply panels.
import { packLanesBf16 } from './bf16';
import { loadN, share, size, storeN, word } from './canon';
import { LANES, ROWS, multiplyPanels, packColumns, packRowsOf } from './panels';

/**
 * Words: 1 left, 2 right, 3 left panels, 4 right panels, 5 rows, 6 columns, 7 K, 8 left bytes per row, 9 right bytes
 * per row, 10 transposeA, 11 transposeB, 12 right is bf16. rows or columns 0 leaves that operand alone. Left and right already point at
 * the chunk's first row and column.
 */
export function matmulPack(step: usize, thread: i32, threads: i32): i32 {
  const left = <usize>word(step, 1);
  const right = <usize>word(step, 2);
  const leftPanels = <usize>word(step, 3);
  const rightPanels = <usize>word(step, 4);
  const rows = size(step, 5);
  const columns = size(step, 6);
  const K = size(step, 7);
  const leftBytes = <usize>word(step, 8);
  const rightBytes = <usize>word(step, 9);
  const transposeA = size(step, 10);
  const transposeB = size(step, 11);
  const half = size(step, 12);

  const panelsLeft = (rows + ROWS - 1) / ROWS;
  for (let p = share(panelsLeft, thread, threads), end = share(panelsLeft, thread + 1, threads); p < end; p++) {
    const dst = leftPanels + <usize>p * <usize>K * 16;
    const first = p * ROWS;
    if (transposeA) packColumns(left + <usize>first * 4, leftBytes, rows - first, K, dst, 16);
    else packRowsOf(left, leftBytes, first, rows, K, dst, 16);
  }
  const panelsRight = (columns + LANES - 1) / LANES;
  for (let p = share(panelsRight, thread, threads), end = share(panelsRight, thread + 1, threads); p < end; p++) {
    const dst = rightPanels + <usize>p * <usize>K * 32;
    const first = p * LANES;
    // The upper half of the last panel may be wholly past the end: repeat the first half's columns, results are dropped.
    const second = first + 4 < columns ? first + 4 : first;
    if (half) {
      packLanesBf16(right, rightBytes, first, columns, K, transposeB, dst);
    } else if (transposeB) {
      packRowsOf(right, rightBytes, first, columns, K, dst, 32);
      packRowsOf(right, rightBytes, second, columns, K, dst + 16, 32);
    } else {
      packColumns(right + <usize>first * 4, rightBytes, columns - first, K, dst, 32);
      packColumns(right + <usize>second * 4, rightBytes, columns - second, K, dst + 16, 32);
    }
  }
  return 0;
}

/** Words: 1 left panels, 2 right panels, 3 out (chunk's first element), 4 rows, 5 columns, 6 K, 7 out bytes per row, 8 tile scratch (128 bytes a thread). */
export function matmulPanels(step: usize, thread: i32, threads: i32): i32 {
  const leftPanels = <usize>word(step, 1);
  const rightPanels = <usize>word(step, 2);
  const out = <usize>word(step, 3);
  const rows = size(step, 4);
  const columns = size(step, 5);
  const K = size(step, 6);
  const rowBytes = <usize>word(step, 7);
  const scratch = <usize>word(step, 8) + <usize>thread * 128;

  const panelsLeft = (rows + ROWS - 1) / ROWS;
  const panelsRight = (columns + LANES - 1) / LANES;
  // Threads share the longer side.
  let left0 = 0;
  let left1 = panelsLeft;
  let right0 = 0;
  let right1 = panelsRight;
  if (panelsLeft >= panelsRight) {
    left0 = share(panelsLeft, thread, threads);
    left1 = share(panelsLeft, thread + 1, threads);
  } else {
    right0 = share(panelsRight, thread, threads);
    right1 = share(panelsRight, thread + 1, threads);
  }
  for (let r = right0; r < right1; r++) {
    const b = rightPanels + <usize>r * <usize>K * 32;
    const column = r * LANES;
    const width = columns - column;
    for (let l = left0; l < left1; l++) {
      const a = leftPanels + <usize>l * <usize>K * 16;
      const row = l * ROWS;
      const corner = out + <usize>row * rowBytes + <usize>column * 4;
      if (width >= LANES && rows - row >= ROWS) {
        multiplyPanels(a, b, corner, rowBytes, K, 0);
        continue;
      }
      multiplyPanels(a, b, scratch, 32, K, 0);
      const height = min(rows - row, ROWS);
      for (let i = 0; i < height; i++) {
        const from = scratch + <usize>i * 32;
        const to = corner + <usize>i * rowBytes;
        storeN(to, v128.load(from), width);
        if (width > 4) storeN(to + 16, v128.load(from, 16), width - 4);
      }
    }
  }
  return 0;
}
