/** The element-wise and row-wise parts of a decoder layer: RMSNorm, rotary embedding, SwiGLU. Definitions: docs/repops.md. */
import { add, fold, mul, sub } from '../../repops/arithmetic.ts';
import { rsqrt, sigmoid } from '../../repops/functions.ts';
import { type Call, checkIndices } from './call.ts';

/** RMSNorm (arXiv 1910.07467), split so that the backward pass reuses 1 / rms. */
export function rmsRstd(call: Call): void {
  const [N, D] = [call.attribute('N'), call.attribute('D')];
  const [invD, eps] = [call.attribute('invD'), call.attribute('eps')];
  const x = call.input(0);
  const rstd = call.output(0);
  for (let n = 0; n < N; n++) {
    const s = fold(D, (d) => mul(x[n * D + d]!, x[n * D + d]!));
    rstd[n] = rsqrt(add(mul(s, invD), eps));
  }
}

export function rmsApply(call: Call): void {
  const [N, D] = [call.attribute('N'), call.attribute('D')];
  const x = call.input(0);
  const rstd = call.input(1);
  const gain = call.input(2);
  const y = call.output(0);
  for (let n = 0; n < N; n++) {
    for (let d = 0; d < D; d++) y[n * D + d] = mul(mul(x[n * D + d]!, rstd[n]!), gain[d]!);
  }
}

export function rmsGradX(call: Call): void {
  const [N, D, invD] = [call.attribute('N'), call.attribute('D'), call.attribute('invD')];
  const dy = call.input(0);
  const x = call.input(1);
  const rstd = call.input(2);
  const gain = call.input(3);
  const dx = call.output(0);
  for (let n = 0; n < N; n++) {
    const r = rstd[n]!;
    const t = (d: number) => mul(dy[n * D + d]!, gain[d]!);
    const s = fold(D, (d) => mul(t(d), x[n * D + d]!));
    const c = mul(mul(s, mul(r, mul(r, r))), invD);
    for (let d = 0; d < D; d++) dx[n * D + d] = sub(mul(t(d), r), mul(x[n * D + d]!, c));
  }
}

export function rmsGradGain(call: Call): void {
  const [N, D] = [call.attribute('N'), call.attribute('D')];
  const dy = call.input(0);
  const x = call.input(1);
  const rstd = call.input(2);
  const dgain = call.output(0);
  for (let d = 0; d < D; d++) {
    dgain[d] = fold(N, (n) => mul(dy[n * D + d]!, mul(x[n * D + d]!, rstd[n]!)));
  }
}

/** Rotary embedding (arXiv 2104.09864) with the halves of a head as the pairs, as Hugging Face's Qwen2 does it. */
export function rope(call: Call): void {
  const half = call.attribute('headDim') / 2;
  rotate(call, (i) => [i, i + half]);
}

/** Rotary embedding with neighbours as the pairs, as the paper and Meta's Llama do it. */
export function ropePairs(call: Call): void {
  rotate(call, (i) => [2 * i, 2 * i + 1]);
}

/** Rotates each head's pairs; `pair` gives the two places of pair i in a head. */
function rotate(call: Call, pair: (i: number) => readonly [number, number]): void {
  const [N, heads, headDim] = [call.attribute('N'), call.attribute('heads'), call.attribute('headDim')];
  const inverse = call.attribute('inverse') === 1;
  const x = call.input(0);
  const positions = call.indices(1);
  const cos = call.input(2);
  const sin = call.input(3);
  const y = call.output(0);
  checkIndices(positions, call.attribute('P'), 'position');
  const half = headDim / 2;
  for (let n = 0; n < N; n++) {
    for (let h = 0; h < heads; h++) {
      const at = (n * heads + h) * headDim;
      for (let i = 0; i < half; i++) {
        const c = cos[positions[n]! * half + i]!;
        const angle = sin[positions[n]! * half + i]!;
        const s = inverse ? sub(0, angle) : angle;
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
export function swiglu(call: Call): void {
  const gate = call.input(0);
  const up = call.input(1);
  const y = call.output(0);
  for (let i = 0; i < y.length; i++) y[i] = mul(mul(gate[i]!, sigmoid(gate[i]!)), up[i]!);
}

export function swigluGrad(call: Call): void {
  const dy = call.input(0);
  const gate = call.input(1);
  const up = call.input(2);
  const dgate = call.output(0);
  const dup = call.output(1);
  for (let i = 0; i < dy.length; i++) {
    const g = gate[i]!;
    const s = sigmoid(g);
    dup[i] = mul(dy[i]!, mul(g, s));
    dgate[i] = mul(mul(dy[i]!, up[i]!), add(s, mul(mul(g, s), sub(1, s))));
  }
}
