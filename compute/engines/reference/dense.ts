/** Products, sums and look-ups: embed, matmul, bias, add. Definitions: docs/repops.md. */
import { add, fold, mul } from '../../repops/arithmetic.ts';
import type { Call } from './call.ts';
import { latticeFold, toLattice } from './lattice-fold.ts';

export function embed({ attributes, inputs, outputs }: Call<'embed'>): void {
  const { N, D } = attributes;
  for (let n = 0; n < N; n++) {
    const row = inputs.ids[n]! * D;
    outputs.y.set(inputs.table.subarray(row, row + D), n * D);
  }
}

/** Rows that share an id are folded in ascending order: a scatter by atomics would have no order. */
export function embedGrad({ attributes, inputs, outputs }: Call<'embed.grad'>): void {
  const { N, V, D } = attributes;
  const { ids, dy } = inputs;
  const rowsOf = new Map<number, number[]>();
  for (let n = 0; n < N; n++) {
    const rows = rowsOf.get(ids[n]!);
    if (rows === undefined) rowsOf.set(ids[n]!, [n]);
    else rows.push(n);
  }
  for (let v = 0; v < V; v++) {
    const rows = rowsOf.get(v) ?? [];
    for (let d = 0; d < D; d++) {
      outputs.dtable[v * D + d] = fold(rows.length, (i) => dy[rows[i]! * D + d]!);
    }
  }
}

export function matmul({ attributes, inputs, outputs }: Call<'matmul'>): void {
  const { M, N, K, transposeA, transposeB } = attributes;
  const a = toLattice(inputs.a);
  const b = toLattice(inputs.b);
  const [rowA, stepA] = transposeA === 1 ? [1, M] : [K, 1];
  const [columnB, stepB] = transposeB === 1 ? [K, 1] : [1, N];
  for (let m = 0; m < M; m++) {
    const row = { data: a, start: m * rowA, stride: stepA };
    for (let n = 0; n < N; n++) {
      outputs.c[m * N + n] = latticeFold(K, row, { data: b, start: n * columnB, stride: stepB });
    }
  }
}

export function biasAdd({ attributes, inputs, outputs }: Call<'bias.add'>): void {
  const { N, D } = attributes;
  const { x, bias } = inputs;
  for (let n = 0; n < N; n++) {
    for (let d = 0; d < D; d++) outputs.y[n * D + d] = add(x[n * D + d]!, bias[d]!);
  }
}

export function biasGrad({ attributes, inputs, outputs }: Call<'bias.grad'>): void {
  const { N, D } = attributes;
  for (let d = 0; d < D; d++) outputs.dbias[d] = fold(N, (n) => inputs.dy[n * D + d]!);
}

export function addTensors({ inputs, outputs }: Call<'add'>): void {
  const { a, b } = inputs;
  const { y } = outputs;
  for (let i = 0; i < y.length; i++) y[i] = add(a[i]!, b[i]!);
}

export function addScaled({ attributes, inputs, outputs }: Call<'add.scaled'>): void {
  const { a, b } = inputs;
  const { y } = outputs;
  for (let i = 0; i < y.length; i++) y[i] = add(a[i]!, mul(attributes.scale, b[i]!));
}
