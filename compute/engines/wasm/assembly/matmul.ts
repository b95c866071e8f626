// matmul in two steps with a barrier between them: all threads pack the left operand into panels; then each
// thread packs a few panels of the right operand at a time, as deep as its caches hold, and multiplies all
// left panels by them.
import { loadN, storeN } from './canon';
import { argument, firstItem, size } from './step';
import { packLanes } from './lanes';
import { LANES, ROWS, multiplyPanels, multiplyRow, packColumns, packRowsOf } from './panels';
import { PREPACKED_BYTES, expandPanel, multiplyTwoPrepacked } from './prepacked';

/** Values of k in a thread's panels at a time: whole fold blocks. The planner knows it as PANEL_DEPTH. */
const DEPTH: i32 = 256;
/**
 * Right panels packed at a time: 32 columns, so that a line of memory is read once where columns are
 * neighbours.
 */
const GROUP: i32 = 4;
const PANEL_BYTES: usize = <usize>DEPTH * 32;
/** Bytes of left panels that a core's second-level cache keeps beside everything else. */
const LEFT_STAYS: usize = 512 * 1024;
/** Up to this many rows are multiplied one by one: a tile of four would take longer. */
const THIN_ROWS: i32 = 3;

/**
 * Arguments: 1 left, 2 panels, 3 rows, 4 K, 5 left bytes per row, 6 transposeA. Left already points at the
 * chunk's first row.
 */
export function matmulPack(step: usize, thread: i32, threads: i32): i32 {
  const left = <usize>argument(step, 1);
  const panels = <usize>argument(step, 2);
  const rows = size(step, 3);
  const K = size(step, 4);
  const leftBytes = <usize>argument(step, 5);
  const transposed = size(step, 6);

  const count = (rows + ROWS - 1) / ROWS;
  for (let p = firstItem(count, thread, threads), end = firstItem(count, thread + 1, threads); p < end; p++) {
    const dst = panels + <usize>p * <usize>K * 16;
    const first = p * ROWS;
    if (transposed) packColumns(left + <usize>first * 4, leftBytes, rows - first, K, dst, 16);
    else packRowsOf(left, leftBytes, first, rows, K, dst, 16);
  }
  return 0;
}

/**
 * Arguments: 1 left panels, 2 right, 3 out (the chunk's first row), 4 rows, 5 N, 6 K, 7 right bytes per row,
 * 8 transposeB, 9 right is bf16, 10 scratch, 11 bytes of scratch a thread (GROUP panels and a tile), 12 the
 * prepacked copy of right, or 0.
 */
export function matmulPanels(step: usize, thread: i32, threads: i32): i32 {
  const rows = size(step, 4);
  const N = size(step, 5);
  const K = size(step, 6);
  const panels = <usize>argument(step, 10) + <usize>thread * <usize>argument(step, 11);
  const panelsLeft = (rows + ROWS - 1) / ROWS;
  const panelsRight = (N + LANES - 1) / LANES;
  const copy = <usize>argument(step, 12);
  if (copy != 0 && rows == 2) {
    const from = firstItem(panelsRight, thread, threads);
    const to = firstItem(panelsRight, thread + 1, threads);
    multiplyTwoPrepacked(<usize>argument(step, 1), copy, <usize>argument(step, 3), N, K, from, to);
    return 0;
  }
  // Threads share the longer side.
  let left0 = 0;
  let left1 = panelsLeft;
  let right0 = 0;
  let right1 = panelsRight;
  if (panelsLeft > panelsRight) {
    left0 = firstItem(panelsLeft, thread, threads);
    left1 = firstItem(panelsLeft, thread + 1, threads);
  } else {
    right0 = firstItem(panelsRight, thread, threads);
    right1 = firstItem(panelsRight, thread + 1, threads);
  }
  if (left0 == left1) return 0;
  // Few left panels stay in the cache over all of k, with a group's part of the result. Of many, only a slice
  // does.
  // A copy is read panel after panel.
  const count = copy != 0 ? 1 : GROUP;
  const sweep = <usize>rows * <usize>K * 4 <= LEFT_STAYS ? count : max(right1 - right0, 1);
  for (let from = right0; from < right1; from += sweep) {
    const to = min(from + sweep, right1);
    for (let k = 0; k < K; k += DEPTH) {
      for (let group = from; group < to; group += count) multiplyGroup(step, group, min(group + count, to), left0, left1, k, panels);
    }
  }
  return 0;
}

/**
 * Packs the right panels group .. groupEnd - 1 from k on and multiplies the left panels left0 .. left1 - 1 by
 * them.
 */
function multiplyGroup(step: usize, group: i32, groupEnd: i32, left0: i32, left1: i32, k: i32, panels: usize): void {
  const leftPanels = <usize>argument(step, 1);
  const out = <usize>argument(step, 3);
  const rows = size(step, 4);
  const N = size(step, 5);
  const K = size(step, 6);
  const rightBytes = <usize>argument(step, 7);
  const transposed = size(step, 8);
  const half = size(step, 9);
  const tile = panels + <usize>GROUP * PANEL_BYTES;
  const depth = min(DEPTH, K - k);
  const first = k == 0;
  const last = k + depth == K;
  const right = <usize>argument(step, 2) + (transposed ? <usize>k << (half ? 1 : 2) : <usize>k * rightBytes);
  const copy = <usize>argument(step, 12);
  for (let r = group; r < groupEnd; r++) {
    const panel = panels + <usize>(r - group) * PANEL_BYTES;
    if (copy != 0) expandPanel(copy + (<usize>r * <usize>K + <usize>k) * PREPACKED_BYTES, depth, panel);
    else packLanes(right, rightBytes, r * LANES, N, depth, transposed, half, panel);
  }
  if (rows <= THIN_ROWS) {
    for (let r = group; r < groupEnd; r += 2) {
      const b = panels + <usize>(r - group) * PANEL_BYTES;
      const width = min(N - r * LANES, (groupEnd - r) * LANES);
      for (let row = 0; row < rows; row++) {
        const a = leftPanels + <usize>k * 16 + <usize>row * 4;
        const to = out + (<usize>row * <usize>N + <usize>(r * LANES)) * 4;
        if (width >= 2 * LANES) {
          multiplyRow(a, b, b + PANEL_BYTES, to, depth, first, last);
        } else {
          // Columns beyond `width` are multiplied, but not stored.
          if (!first) copyRow(to, tile, width);
          multiplyRow(a, b, b + PANEL_BYTES, tile, depth, first, last);
          copyRow(tile, to, width);
        }
      }
    }
    return;
  }
  for (let r = group; r < groupEnd; r++) {
    const b = panels + <usize>(r - group) * PANEL_BYTES;
    const column = r * LANES;
    const width = min(N - column, LANES);
    for (let l = left0; l < left1; l++) {
      const a = leftPanels + (<usize>l * <usize>K + <usize>k) * 16;
      const row = l * ROWS;
      const corner = out + (<usize>row * <usize>N + <usize>column) * 4;
      if (width == LANES && rows - row >= ROWS) {
        multiplyPanels(a, b, corner, <usize>N * 4, depth, 0, first, last);
        continue;
      }
      const height = min(rows - row, ROWS);
      if (!first) for (let i = 0; i < height; i++) copyRow(corner + <usize>(i * N) * 4, tile + <usize>i * 32, width);
      multiplyPanels(a, b, tile, 32, depth, 0, first, last);
      for (let i = 0; i < height; i++) copyRow(tile + <usize>i * 32, corner + <usize>(i * N) * 4, width);
    }
  }
}

/** The first min(count, 2 LANES) values. */
function copyRow(from: usize, to: usize, count: i32): void {
  for (let i = 0; i < 2 * LANES; i += 4) {
    if (i < count) storeN(to + <usize>i * 4, loadN(from + <usize>i * 4, count - i), count - i);
  }
}
