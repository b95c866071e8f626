/** Global-norm clipping and AdamW (arXiv 1711.05101). Definitions: docs/repops.md. */
import { add, FOLD_BLOCK, mul, sub } from '../../repops/arithmetic.ts';
import { recip, sqrt } from '../../repops/functions.ts';
import type { Call } from './call.ts';

/** Sums of 64 squares, then sums of 64 sums, until one is left: wide enough for a GPU, one order for all. */
export function normSquare(call: Call): void {
  const x = call.input(0);
  let terms = x.map((value) => mul(value, value));
  do {
    const sums = new Float32Array(Math.ceil(terms.length / FOLD_BLOCK));
    for (let i = 0; i < terms.length; i++) {
      const block = Math.floor(i / FOLD_BLOCK);
      sums[block] = add(sums[block]!, terms[i]!);
    }
    terms = sums;
  } while (terms.length > 1);
  call.output(0)[0] = terms[0]!;
}

export function clipScale(call: Call): void {
  const [count, maxNorm] = [call.attribute('count'), call.attribute('maxNorm')];
  let total = 0;
  for (let i = 0; i < count; i++) total = add(total, call.input(i)[0]!);
  const n = sqrt(total);
  call.output(0)[0] = n > maxNorm ? mul(maxNorm, recip(n)) : 1;
}

export function adamw(call: Call): void {
  const [beta1, oneMinusBeta1] = [call.attribute('beta1'), call.attribute('oneMinusBeta1')];
  const [beta2, oneMinusBeta2] = [call.attribute('beta2'), call.attribute('oneMinusBeta2')];
  const [eps, weightDecay] = [call.attribute('eps'), call.attribute('weightDecay')];
  const g = call.input(1);
  const scale = call.input(4)[0]!;
  const hyper = call.input(5);
  const [learningRate, correction1, correction2] = [hyper[0]!, hyper[1]!, hyper[2]!];
  const p = call.output(0);
  const m = call.output(1);
  const v = call.output(2);
  for (let i = 0; i < p.length; i++) {
    const clipped = mul(g[i]!, scale);
    m[i] = add(mul(beta1, m[i]!), mul(oneMinusBeta1, clipped));
    v[i] = add(mul(beta2, v[i]!), mul(oneMinusBeta2, mul(clipped, clipped)));
    const u = mul(mul(m[i]!, correction1), recip(add(sqrt(mul(v[i]!, correction2)), eps)));
    p[i] = sub(p[i]!, mul(learningRate, add(u, mul(weightDecay, p[i]!))));
  }
}
