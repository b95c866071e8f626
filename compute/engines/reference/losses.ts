/** Cross entropy and the policy objective. Definitions: docs/repops.md. */
import { add, fold, mul, sub } from '../../repops/arithmetic.ts';
import { exp, log } from '../../repops/functions.ts';
import type { Call } from './call.ts';
import { maximum } from './sampling.ts';

export function xentLse({ attributes, inputs, outputs }: Call<'xent.lse'>): void {
  const { N, V } = attributes;
  for (let n = 0; n < N; n++) {
    const row = inputs.logits.subarray(n * V, (n + 1) * V);
    const m = maximum(row);
    outputs.lse[n] = add(m, log(fold(V, (v) => exp(sub(row[v]!, m)))));
  }
}

export function xentLogprob({ attributes, inputs, outputs }: Call<'xent.logprob'>): void {
  const { N, V } = attributes;
  const { logits, lse, targets } = inputs;
  for (let n = 0; n < N; n++) outputs.logprob[n] = sub(logits[n * V + targets[n]!]!, lse[n]!);
}

export function xentGrad({ attributes, inputs, outputs }: Call<'xent.grad'>): void {
  const { N, V } = attributes;
  const { logits, lse, targets, coefficient } = inputs;
  for (let n = 0; n < N; n++) {
    for (let v = 0; v < V; v++) {
      const p = exp(sub(logits[n * V + v]!, lse[n]!));
      outputs.dlogits[n * V + v] = mul(coefficient[n]!, v === targets[n] ? sub(p, 1) : p);
    }
  }
}

/**
 * GRPO's coefficient (arXiv 2402.03300) with a higher upper clip (arXiv 2503.14476) and a cap on the ratio
 * for negative advantages (the dual clip of arXiv 1912.09729, as a cut).
 */
export function policyCoefficient({ attributes, inputs, outputs }: Call<'policy.coefficient'>): void {
  const { N, clipLow, clipHigh, ratioCap } = attributes;
  const { logprob, oldLogprob, advantage, weight } = inputs;
  for (let n = 0; n < N; n++) {
    const ratio = exp(sub(logprob[n]!, oldLogprob[n]!));
    const active = advantage[n]! > 0 ? ratio <= clipHigh : ratio >= clipLow && ratio <= ratioCap;
    outputs.coefficient[n] = active ? mul(mul(advantage[n]!, ratio), weight[n]!) : 0;
  }
}

export function lossWeighted({ attributes, inputs, outputs }: Call<'loss.weighted'>): void {
  const { weight, logprob } = inputs;
  const total = fold(attributes.N, (n) => mul(weight[n]!, logprob[n]!));
  outputs.loss[0] = sub(0, total);
}
