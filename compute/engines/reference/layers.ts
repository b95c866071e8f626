/**
 * The element-wise and row-wise parts of a decoder layer: RMSNorm, rotary embedding, SwiGLU. Definitions:
 * docs/repops.md.
 */
import { add, fold, mul, sub } from '../../repops/arithmetic.ts';
import { rsqrt, sigmoid } from '../../repops/functions.ts';
import type { Call } from './call.ts';

/** RMSNorm (arXiv 1910.07467), split so that the backward pass reuses 1 / rms. */
export function rmsRstd({ attributes, inputs, outputs }: Call<'rms.rstd'>): void {
  const { N, D, invD, eps } = attributes;
  const { x } = inputs;
  for (let n = 0; n < N; n++) {
    const s = fold(D, (d) => mul(x[n * D + d]!, x[n * D + d]!));
    outputs.rstd[n] = rsqrt(add(mul(s, invD), eps));
  }
}

export function rmsApply({ attributes, inputs, outputs }: Call<'rms.apply'>): void {
  const { N, D } = attributes;
  const { x, rstd, gain } = inputs;
  for (let n = 0; n < N; n++) {
    for (let d = 0; d < D; d++) outputs.y[n * D + d] = mul(mul(x[n * D + d]!, rstd[n]!), gain[d]!);
  }
}

export function rmsGradX({ attributes, inputs, outputs }: Call<'rms.grad.x'>): void {
  const { N, D, invD } = attributes;
  const { dy, x, rstd, gain } = inputs;
  for (let n = 0; n < N; n++) {
    const r = rstd[n]!;
    const t = (d: number) => mul(dy[n * D + d]!, gain[d]!);
    const s = fold(D, (d) => mul(t(d), x[n * D + d]!));
    const c = mul(mul(s, mul(r, mul(r, r))), invD);
    for (let d = 0; d < D; d++) {
      outputs.dx[n * D + d] = sub(mul(t(d), r), mul(x[n * D + d]!, c));
    }
  }
}

export function rmsGradGain({ attributes, inputs, outputs }: Call<'rms.grad.gain'>): void {
  const { N, D } = attributes;
  const { dy, x, rstd } = inputs;
  for (let d = 0; d < D; d++) {
    outputs.dgain[d] = fold(N, (n) => mul(dy[n * D + d]!, mul(x[n * D + d]!, rstd[n]!)));
  }
}

/**
 * Rotary embedding (arXiv 2104.09864) with the halves of a head as the pairs, as Hugging Face's Qwen2 does
 * it.
 */
export function rope(call: Call<'rope'>): void {
  const half = call.attributes.headDim / 2;
  rotate(call, (i) => [i, i + half]);
}

/** Rotary embedding with neighbours as the pairs, as the paper and Meta's Llama do it. */
export function ropePairs(call: Call<'rope.pairs'>): void {
  rotate(call, (i) => [2 * i, 2 * i + 1]);
}

/** Rotates each head's pairs; `pair` gives the two places of pair i in a head. */
function rotate(call: Call<'rope' | 'rope.pairs'>, pair: (i: number) => readonly [number, number]): void {
  const { N, heads, headDim, inverse } = call.attributes;
  const { x, positions, cos, sin } = call.inputs;
  const { y } = call.outputs;
  const half = headDim / 2;
  for (let n = 0; n < N; n++) {
    for (let h = 0; h < heads; h++) {
      const at = (n * heads + h) * headDim;
      for (let i = 0; i < half; i++) {
        const c = cos[positions[n]! * half + i]!;
        const angle = sin[positions[n]! * half + i]!;
        const s = inverse === 1 ? sub(0, angle) : angle;
        const [first, second] = pair(i);
        const low = x[at + first]!;
        const high = x[at + second]!;
        y[at + first] = sub(mul(low, c), mul(high, s));
        y[at + second] = add(mul(high, c), mul(low, s));
      }
    }
  }
}

/** SwiGLU (arXiv 2002.05202): silu(gate) * up. */
export function swiglu({ inputs, outputs }: Call<'swiglu'>): void {
  const { gate, up } = inputs;
  const { y } = outputs;
  for (let i = 0; i < y.length; i++) y[i] = mul(mul(gate[i]!, sigmoid(gate[i]!)), up[i]!);
}

export function swigluGrad({ inputs, outputs }: Call<'swiglu.grad'>): void {
  const { dy, gate, up } = inputs;
  const { dgate, dup } = outputs;
  for (let i = 0; i < dy.length; i++) {
    const g = gate[i]!;
    const s = sigmoid(g);
    dup[i] = mul(dy[i]!, mul(g, s));
    dgate[i] = mul(mul(dy[i]!, up[i]!), add(s, mul(mul(g, s), sub(1, s))));
  }
}
