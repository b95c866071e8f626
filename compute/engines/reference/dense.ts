/** Products, sums and look-ups: embed, matmul, bias, add. Definitions: docs/repops.md. */
import { add, fold, mul } from '../../repops/arithmetic.ts';
import { type Call, checkIndices } from './call.ts';
import { latticeFold, toLattice } from './lattice-fold.ts';

export function embed(call: Call): void {
  const [N, V, D] = [call.attribute('N'), call.attribute('V'), call.attribute('D')];
  const ids = call.indices(0);
  const table = call.input(1);
  const y = call.output(0);
  checkIndices(ids, V, 'token id');
  for (let n = 0; n < N; n++) {
    const row = ids[n]! * D;
    y.set(table.subarray(row, row + D), n * D);
  }
}

/** Rows that share an id are folded in ascending order: a scatter by atomics would have no order. */
export function embedGrad(call: Call): void {
  const [N, V, D] = [call.attribute('N'), call.attribute('V'), call.attribute('D')];
  const ids = call.indices(0);
  const dy = call.input(1);
  const dtable = call.output(0);
  checkIndices(ids, V, 'token id');
  const rowsOf = new Map<number, number[]>();
  for (let n = 0; n < N; n++) {
    const rows = rowsOf.get(ids[n]!);
    if (rows === undefined) rowsOf.set(ids[n]!, [n]);
    else rows.push(n);
  }
  for (let v = 0; v < V; v++) {
    const rows = rowsOf.get(v) ?? [];
    for (let d = 0; d < D; d++) dtable[v * D + d] = fold(rows.length, (i) => dy[rows[i]! * D + d]!);
  }
}

export function matmul(call: Call): void {
  const [M, N, K] = [call.attribute('M'), call.attribute('N'), call.attribute('K')];
  const a = toLattice(call.input(0));
  const b = toLattice(call.input(1));
  const c = call.output(0);
  const [rowA, stepA] = call.attribute('transposeA') === 1 ? [1, M] : [K, 1];
  const [columnB, stepB] = call.attribute('transposeB') === 1 ? [K, 1] : [1, N];
  for (let m = 0; m < M; m++) {
    const row = { data: a, start: m * rowA, stride: stepA };
    for (let n = 0; n < N; n++) {
      c[m * N + n] = latticeFold(K, row, { data: b, start: n * columnB, stride: stepB });
    }
  }
}

export function biasAdd(call: Call): void {
  const [N, D] = [call.attribute('N'), call.attribute('D')];
  const x = call.input(0);
  const bias = call.input(1);
  const y = call.output(0);
  for (let n = 0; n < N; n++) {
    for (let d = 0; d < D; d++) y[n * D + d] = add(x[n * D + d]!, bias[d]!);
  }
}

export function biasGrad(call: Call): void {
  const [N, D] = [call.attribute('N'), call.attribute('D')];
  const dy = call.input(0);
  const dbias = call.output(0);
  for (let d = 0; d < D; d++) dbias[d] = fold(N, (n) => dy[n * D + d]!);
}

export function addTensors(call: Call): void {
  const a = call.input(0);
  const b = call.input(1);
  const y = call.output(0);
  for (let i = 0; i < y.length; i++) y[i] = add(a[i]!, b[i]!);
}

export function addScaled(call: Call): void {
  const scale = call.attribute('scale');
  const a = call.input(0);
  const b = call.input(1);
  const y = call.output(0);
  for (let i = 0; i < y.length; i++) y[i] = add(a[i]!, mul(scale, b[i]!));
}
