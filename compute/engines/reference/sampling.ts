/** Drawing a token: temperature, top-k, top-p, inverse transform. Definitions: docs/repops.md. */
import { add, FOLD_BLOCK, fold, mul, sub } from '../../repops/arithmetic.ts';
import { exp, log, MAX_FINITE } from '../../repops/functions.ts';
import type { Call } from './call.ts';

export const maximum = (values: Float32Array): number => values.reduce((a, x) => Math.max(a, x));

export function sample({ attributes, inputs, outputs }: Call<'sample'>): void {
  const { N, V, invTemperature, greedy } = attributes;
  const { logits, uniform } = inputs;
  for (let n = 0; n < N; n++) {
    const z = logits.subarray(n * V, (n + 1) * V).map((x) => mul(x, invTemperature));
    const m = maximum(z);
    const e = z.map((x) => exp(sub(x, m)));
    const l = fold(V, (v) => e[v]!);
    const id = greedy === 1 ? z.indexOf(m) : drawn(e, mul(uniform[n]!, l));
    outputs.ids[n] = id;
    outputs.logprob[n] = sub(z[id]!, add(m, log(l)));
  }
}

/**
 * The first index at which the running sum of `e` exceeds `threshold`, else the last with weight. The running
 * sum is that of the fold: the blocks before, plus the terms of the own block so far. So it never falls, and
 * blocks can be skipped.
 */
function drawn(e: Float32Array, threshold: number): number {
  let before = 0;
  let last = 0;
  for (let start = 0; start < e.length; start += FOLD_BLOCK) {
    let within = 0;
    for (let v = start; v < Math.min(start + FOLD_BLOCK, e.length); v++) {
      within = add(within, e[v]!);
      if (add(before, within) > threshold) return v;
      if (e[v]! > 0) last = v;
    }
    before = add(before, within);
  }
  return last;
}

/**
 * Top-k and top-p (arXiv 1904.09751) by thresholds on the scaled logits, so that ties stay together and
 * nothing is sorted.
 */
export function sampleFilter({ attributes, inputs, outputs }: Call<'sample.filter'>): void {
  const { N, V, topK, topP, invTemperature } = attributes;
  const { logits } = inputs;
  for (let n = 0; n < N; n++) {
    const z = logits.subarray(n * V, (n + 1) * V).map((x) => mul(x, invTemperature));
    const descending = z.slice().sort().reverse();
    // The largest value that at least topK elements reach.
    let least = topK === 0 ? -MAX_FINITE : descending[Math.min(topK, V) - 1]!;
    if (topP < 1) {
      const m = descending[0]!;
      const e = z.map((x) => exp(sub(x, m)));
      const kept = descending.filter((value) => value >= least);
      const mass = (threshold: number) => fold(V, (v) => (z[v]! >= threshold ? e[v]! : 0));
      const wanted = mul(topP, mass(least));
      // mass grows as the threshold falls: find the first of `kept` with enough.
      let low = 0;
      let high = kept.length - 1;
      while (low < high) {
        const middle = Math.floor((low + high) / 2);
        if (mass(kept[middle]!) >= wanted) high = middle;
        else low = middle + 1;
      }
      least = kept[low]!;
    }
    for (let v = 0; v < V; v++) outputs.z[n * V + v] = z[v]! >= least ? z[v]! : -MAX_FINITE;
  }
}
