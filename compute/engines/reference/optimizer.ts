/** Global-norm clipping and AdamW (arXiv 1711.05101). Definitions: docs/repops.md. */
import { add, FOLD_BLOCK, mul, sub } from '../../repops/arithmetic.ts';
import { recip, sqrt } from '../../repops/functions.ts';
import type { Call } from './call.ts';

/** Sums of 64 squares, then sums of 64 sums, until one is left: wide enough for a GPU, one order for all. */
export function normSquare({ inputs, outputs }: Call<'norm.square'>): void {
  let terms = inputs.x.map((value) => mul(value, value));
  do {
    const sums = new Float32Array(Math.ceil(terms.length / FOLD_BLOCK));
    for (let i = 0; i < terms.length; i++) {
      const block = Math.floor(i / FOLD_BLOCK);
      sums[block] = add(sums[block]!, terms[i]!);
    }
    terms = sums;
  } while (terms.length > 1);
  outputs.sum[0] = terms[0]!;
}

export function clipScale({ attributes, inputs, outputs }: Call<'clip.scale'>): void {
  const { maxNorm } = attributes;
  let total = 0;
  for (const sum of inputs.sums) total = add(total, sum[0]!);
  const norm = sqrt(total);
  outputs.scale[0] = norm > maxNorm ? mul(maxNorm, recip(norm)) : 1;
}

export function adamw({ attributes, inputs, outputs }: Call<'adamw'>): void {
  const { len, beta1, oneMinusBeta1, beta2, oneMinusBeta2, eps, weightDecay } = attributes;
  const { p, m, v } = outputs;
  const scale = inputs.scale[0]!;
  const [learningRate, correction1, correction2] = [inputs.hyper[0]!, inputs.hyper[1]!, inputs.hyper[2]!];
  for (let i = 0; i < len; i++) {
    const clipped = mul(inputs.g[i]!, scale);
    m[i] = add(mul(beta1, m[i]!), mul(oneMinusBeta1, clipped));
    v[i] = add(mul(beta2, v[i]!), mul(oneMinusBeta2, mul(clipped, clipped)));
    const u = mul(mul(m[i]!, correction1), recip(add(sqrt(mul(v[i]!, correction2)), eps)));
    p[i] = sub(p[i]!, mul(learningRate, add(u, mul(weightDecay, p[i]!))));
  }
}
