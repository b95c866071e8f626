/** Causal grouped-query attention, forward and backward, and the key/value cache. Definitions: docs/repops.md. */
import { add, fold, mul, sub } from '../../repops/arithmetic.ts';
import { exp, recip } from '../../repops/functions.ts';
import { type Call, checkIndices } from './call.ts';
import { latticeFold, toLattice, type Walk } from './lattice-fold.ts';

interface Layout {
  readonly B: number;
  readonly Tq: number;
  readonly Tk: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly scale: number;
  readonly positions: Uint32Array;
}

function layoutOf(call: Call): Layout {
  return {
    B: call.attribute('B'),
    Tq: call.attribute('Tq'),
    Tk: call.attribute('Tk'),
    heads: call.attribute('heads'),
    kvHeads: call.attribute('kvHeads'),
    headDim: call.attribute('headDim'),
    scale: call.attribute('scale'),
    positions: call.indices(3),
  };
}

/** Keys that query row `row` sees: 0..pos, at most Tk of them. */
function visible(layout: Layout, row: number): number {
  return Math.min(layout.positions[row]!, layout.Tk - 1) + 1;
}

/** The head vector of query row `row`, head `h`, along d. */
function queryVector(layout: Layout, data: Float32Array, row: number, h: number): Walk {
  return { data, start: (row * layout.heads + h) * layout.headDim, stride: 1 };
}

/** The vector of key or value j of batch entry b for the key/value head that query head h reads, along d. */
function keyVector(layout: Layout, data: Float32Array, b: number, j: number, h: number): Walk {
  const { heads, kvHeads, headDim, Tk } = layout;
  const g = Math.floor(h / (heads / kvHeads));
  return { data, start: ((b * Tk + j) * kvHeads + g) * headDim, stride: 1 };
}

/** Column d of the keys or values of batch entry b, along j. */
function keyColumn(layout: Layout, data: Float32Array, b: number, h: number, d: number): Walk {
  const walk = keyVector(layout, data, b, 0, h);
  return { data, start: walk.start + d, stride: layout.kvHeads * layout.headDim };
}

export function attention(call: Call): void {
  const layout = layoutOf(call);
  const { B, Tq, heads, headDim, scale } = layout;
  const q = toLattice(call.input(0));
  const k = toLattice(call.input(1));
  const v = toLattice(call.input(2));
  const o = call.output(0);
  const stats = call.output(1);
  for (let row = 0; row < B * Tq; row++) {
    const b = Math.floor(row / Tq);
    const keys = visible(layout, row);
    for (let h = 0; h < heads; h++) {
      const query = queryVector(layout, q, row, h);
      const scores = new Float32Array(keys);
      for (let j = 0; j < keys; j++) {
        scores[j] = mul(latticeFold(headDim, query, keyVector(layout, k, b, j, h)), scale);
      }
      const m = scores.reduce((a, s) => Math.max(a, s));
      const p = scores.map((s) => exp(sub(s, m)));
      const r = recip(fold(keys, (j) => p[j]!));
      const weights = { data: toLattice(p), start: 0, stride: 1 };
      for (let d = 0; d < headDim; d++) {
        o[query.start + d] = mul(latticeFold(keys, weights, keyColumn(layout, v, b, h, d)), r);
      }
      stats[(row * heads + h) * 2] = m;
      stats[(row * heads + h) * 2 + 1] = r;
    }
  }
}

export function attentionDelta(call: Call): void {
  const [N, heads, headDim] = [call.attribute('N'), call.attribute('heads'), call.attribute('headDim')];
  const dout = call.input(0);
  const o = call.input(1);
  const delta = call.output(0);
  for (let at = 0; at < N * heads; at++) {
    delta[at] = fold(headDim, (d) => mul(dout[at * headDim + d]!, o[at * headDim + d]!));
  }
}

/** P_ij and dS_ij of the backward pass, recomputed from the saved row statistics (as in arXiv 2205.14135). */
function scoreGradient(call: Call, layout: Layout) {
  const { Tq, heads, headDim, scale } = layout;
  const q = toLattice(call.input(0));
  const k = toLattice(call.input(1));
  const v = toLattice(call.input(2));
  const stats = call.input(4);
  const dout = toLattice(call.input(5));
  const delta = call.input(6);
  const at = (row: number, h: number, j: number): { P: number; dS: number } => {
    const b = Math.floor(row / Tq);
    const m = stats[(row * heads + h) * 2]!;
    const r = stats[(row * heads + h) * 2 + 1]!;
    const query = queryVector(layout, q, row, h);
    const s = mul(latticeFold(headDim, query, keyVector(layout, k, b, j, h)), scale);
    const P = mul(exp(sub(s, m)), r);
    const dP = latticeFold(headDim, queryVector(layout, dout, row, h), keyVector(layout, v, b, j, h));
    return { P, dS: mul(P, sub(dP, delta[row * heads + h]!)) };
  };
  return { q, k, dout, at };
}

export function attentionGradQ(call: Call): void {
  const layout = layoutOf(call);
  const { B, Tq, heads, headDim, scale } = layout;
  const { k, at } = scoreGradient(call, layout);
  const dq = call.output(0);
  for (let row = 0; row < B * Tq; row++) {
    const b = Math.floor(row / Tq);
    const keys = visible(layout, row);
    for (let h = 0; h < heads; h++) {
      const dS = Float32Array.from({ length: keys }, (_, j) => at(row, h, j).dS);
      const terms = { data: toLattice(dS), start: 0, stride: 1 };
      for (let d = 0; d < headDim; d++) {
        const sum = latticeFold(keys, terms, keyColumn(layout, k, b, h, d));
        dq[(row * heads + h) * headDim + d] = mul(sum, scale);
      }
    }
  }
}

export function attentionGradKv(call: Call): void {
  const layout = layoutOf(call);
  const { B, Tq, Tk, heads, kvHeads, headDim, scale } = layout;
  const { q, dout, at } = scoreGradient(call, layout);
  const dk = call.output(0);
  const dv = call.output(1);
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
            if (j >= visible(layout, b * Tq + i)) continue;
            const gradient = at(b * Tq + i, h, j);
            P[i] = gradient.P;
            dS[i] = gradient.dS;
          }
          const weights = { data: toLattice(P), start: 0, stride: 1 };
          const terms = { data: toLattice(dS), start: 0, stride: 1 };
          const rows = queryVector(layout, q, b * Tq, h).start;
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

export function cacheWriteRows(call: Call): void {
  const [B, R, Tk, D] = [call.attribute('B'), call.attribute('R'), call.attribute('Tk'), call.attribute('D')];
  const x = call.input(1);
  const starts = call.indices(2);
  const cache = call.output(0);
  checkIndices(starts, Tk - R + 1, 'first cache position');
  for (let b = 0; b < B; b++) cache.set(x.subarray(b * R * D, (b + 1) * R * D), (b * Tk + starts[b]!) * D);
}

export function cacheWrite(call: Call): void {
  const [B, Tk, D] = [call.attribute('B'), call.attribute('Tk'), call.attribute('D')];
  const x = call.input(1);
  const positions = call.indices(2);
  const cache = call.output(0);
  checkIndices(positions, Tk, 'cache position');
  for (let b = 0; b < B; b++) cache.set(x.subarray(b * D, (b + 1) * D), (b * Tk + positions[b]!) * D);
}
