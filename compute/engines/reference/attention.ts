/**
 * Causal grouped-query attention, forward and backward, and the key/value cache. Definitions: docs/repops.md.
 */
import { add, fold, mul, sub } from '../../repops/arithmetic.ts';
import { exp, recip } from '../../repops/functions.ts';
import type { Call } from './call.ts';
import { latticeFold, toLattice, type Walk } from './lattice-fold.ts';

/** The three operators over scores share their sizes and the first four inputs. */
type ScoreCall = Call<'attention' | 'attention.grad.q' | 'attention.grad.kv'>;
type Sizes = ScoreCall['attributes'];

/** Keys that query row `row` sees: 0..pos, at most Tk of them. */
function visible({ attributes, inputs }: ScoreCall, row: number): number {
  return Math.min(inputs.positions[row]!, attributes.Tk - 1) + 1;
}

/** The head vector of query row `row`, head `h`, along d. */
function queryVector(sizes: Sizes, data: Float32Array, row: number, h: number): Walk {
  return { data, start: (row * sizes.heads + h) * sizes.headDim, stride: 1 };
}

/** The vector of key or value j of batch entry b for the key/value head that query head h reads, along d. */
function keyVector(sizes: Sizes, data: Float32Array, b: number, j: number, h: number): Walk {
  const { heads, kvHeads, headDim, Tk } = sizes;
  const g = Math.floor(h / (heads / kvHeads));
  return { data, start: ((b * Tk + j) * kvHeads + g) * headDim, stride: 1 };
}

/** Column d of the keys or values of batch entry b, along j. */
function keyColumn(sizes: Sizes, data: Float32Array, b: number, h: number, d: number): Walk {
  const first = keyVector(sizes, data, b, 0, h);
  return { data, start: first.start + d, stride: sizes.kvHeads * sizes.headDim };
}

export function attention(call: Call<'attention'>): void {
  const { attributes: sizes, inputs } = call;
  const { o, stats } = call.outputs;
  const { B, Tq, heads, headDim, scale } = sizes;
  const q = toLattice(inputs.q);
  const k = toLattice(inputs.k);
  const v = toLattice(inputs.v);
  for (let row = 0; row < B * Tq; row++) {
    const b = Math.floor(row / Tq);
    const keys = visible(call, row);
    for (let h = 0; h < heads; h++) {
      const query = queryVector(sizes, q, row, h);
      const scores = new Float32Array(keys);
      for (let j = 0; j < keys; j++) {
        scores[j] = mul(latticeFold(headDim, query, keyVector(sizes, k, b, j, h)), scale);
      }
      const m = scores.reduce((a, s) => Math.max(a, s));
      const p = scores.map((s) => exp(sub(s, m)));
      const r = recip(fold(keys, (j) => p[j]!));
      const weights = { data: toLattice(p), start: 0, stride: 1 };
      for (let d = 0; d < headDim; d++) {
        o[query.start + d] = mul(latticeFold(keys, weights, keyColumn(sizes, v, b, h, d)), r);
      }
      stats[(row * heads + h) * 2] = m;
      stats[(row * heads + h) * 2 + 1] = r;
    }
  }
}

export function attentionDelta({ attributes, inputs, outputs }: Call<'attention.delta'>): void {
  const { N, heads, headDim } = attributes;
  const { dout, o } = inputs;
  for (let at = 0; at < N * heads; at++) {
    outputs.delta[at] = fold(headDim, (d) => mul(dout[at * headDim + d]!, o[at * headDim + d]!));
  }
}

/** P_ij and dS_ij of the backward pass, recomputed from the saved row statistics (as in arXiv 2205.14135). */
function scoreGradient({ attributes: sizes, inputs }: Call<'attention.grad.q' | 'attention.grad.kv'>) {
  const { Tq, heads, headDim, scale } = sizes;
  const { stats, delta } = inputs;
  const q = toLattice(inputs.q);
  const k = toLattice(inputs.k);
  const v = toLattice(inputs.v);
  const dout = toLattice(inputs.dout);
  const at = (row: number, h: number, j: number): { P: number; dS: number } => {
    const b = Math.floor(row / Tq);
    const m = stats[(row * heads + h) * 2]!;
    const r = stats[(row * heads + h) * 2 + 1]!;
    const query = queryVector(sizes, q, row, h);
    const s = mul(latticeFold(headDim, query, keyVector(sizes, k, b, j, h)), scale);
    const P = mul(exp(sub(s, m)), r);
    const dP = latticeFold(headDim, queryVector(sizes, dout, row, h), keyVector(sizes, v, b, j, h));
    return { P, dS: mul(P, sub(dP, delta[row * heads + h]!)) };
  };
  return { q, k, dout, at };
}

export function attentionGradQ(call: Call<'attention.grad.q'>): void {
  const { attributes: sizes, outputs } = call;
  const { B, Tq, heads, headDim, scale } = sizes;
  const { k, at } = scoreGradient(call);
  for (let row = 0; row < B * Tq; row++) {
    const b = Math.floor(row / Tq);
    const keys = visible(call, row);
    for (let h = 0; h < heads; h++) {
      const dS = Float32Array.from({ length: keys }, (_, j) => at(row, h, j).dS);
      const terms = { data: toLattice(dS), start: 0, stride: 1 };
      for (let d = 0; d < headDim; d++) {
        const sum = latticeFold(keys, terms, keyColumn(sizes, k, b, h, d));
        outputs.dq[(row * heads + h) * headDim + d] = mul(sum, scale);
      }
    }
  }
}

export function attentionGradKv(call: Call<'attention.grad.kv'>): void {
  const { attributes: sizes } = call;
  const { B, Tq, Tk, heads, kvHeads, headDim, scale } = sizes;
  const { q, dout, at } = scoreGradient(call);
  const { dk, dv } = call.outputs;
  const group = heads / kvHeads;
  for (let b = 0; b < B; b++) {
    for (let j = 0; j < Tk; j++) {
      for (let g = 0; g < kvHeads; g++) {
        const out = ((b * Tk + j) * kvHeads + g) * headDim;
        dk.fill(0, out, out + headDim);
        dv.fill(0, out, out + headDim);
        for (let h = g * group; h < (g + 1) * group; h++) {
          // A masked row keeps its place in the fold and its weight is +0.
          const P = new Float32Array(Tq);
          const dS = new Float32Array(Tq);
          for (let i = 0; i < Tq; i++) {
            if (j >= visible(call, b * Tq + i)) continue;
            const gradient = at(b * Tq + i, h, j);
            P[i] = gradient.P;
            dS[i] = gradient.dS;
          }
          const weights = { data: toLattice(P), start: 0, stride: 1 };
          const terms = { data: toLattice(dS), start: 0, stride: 1 };
          const rows = queryVector(sizes, q, b * Tq, h).start;
          for (let d = 0; d < headDim; d++) {
            const stride = heads * headDim;
            const A = latticeFold(Tq, weights, { data: dout, start: rows + d, stride });
            const C = mul(latticeFold(Tq, terms, { data: q, start: rows + d, stride }), scale);
            dv[out + d] = add(dv[out + d]!, A);
            dk[out + d] = add(dk[out + d]!, C);
          }
        }
      }
    }
  }
}

export function cacheWriteRows({ attributes, inputs, outputs }: Call<'cache.write.rows'>): void {
  const { B, R, Tk, D } = attributes;
  for (let b = 0; b < B; b++) {
    const rows = inputs.x.subarray(b * R * D, (b + 1) * R * D);
    outputs.cache.set(rows, (b * Tk + inputs.starts[b]!) * D);
  }
}

export function cacheWrite({ attributes, inputs, outputs }: Call<'cache.write'>): void {
  const { B, Tk, D } = attributes;
  for (let b = 0; b < B; b++) {
    outputs.cache.set(inputs.x.subarray(b * D, (b + 1) * D), (b * Tk + inputs.positions[b]!) * D);
  }
}
