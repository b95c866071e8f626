import { canon, FOLD_BLOCK, lattice } from '../../repops/arithmetic.ts';

/** Every element rounded to the operand lattice, as a matrix product takes it. */
export function toLattice(values: Float32Array): Float32Array {
  return Float32Array.from(values, lattice);
}

/** A walk through lattice values: element i is `data[start + i * stride]`. */
export interface Walk {
  readonly data: Float32Array;
  readonly start: number;
  readonly stride: number;
}

/**
 * canon(fold over `count` terms a_i * b_i) of lattice values. The same bits as `fold` with `add` and `mul`:
 * products are exact and no partial sum is subnormal or infinite (docs/repops.md), so plain rounded steps may
 * stand for them.
 */
export function latticeFold(count: number, a: Walk, b: Walk): number {
  const x = a.data;
  const y = b.data;
  let p = a.start;
  let q = b.start;
  let total = 0;
  for (let start = 0; start < count; start += FOLD_BLOCK) {
    const end = Math.min(start + FOLD_BLOCK, count);
    let partial = 0;
    for (let i = start; i < end; i++) {
      partial = Math.fround(partial + x[p]! * y[q]!);
      p += a.stride;
      q += b.stride;
    }
    total = Math.fround(total + partial);
  }
  return canon(total);
}
