/** Cross entropy and the policy objective. Definitions: docs/repops.md. */
import { add, fold, mul, sub } from '../../repops/arithmetic.ts';
import { exp, log } from '../../repops/functions.ts';
import { type Call, checkIndices } from './call.ts';
import { maximum } from './sampling.ts';

export function xentLse(call: Call): void {
  const [N, V] = [call.attribute('N'), call.attribute('V')];
  const logits = call.input(0);
  const lse = call.output(0);
  for (let n = 0; n < N; n++) {
    const row = logits.subarray(n * V, (n + 1) * V);
    const m = maximum(row);
    lse[n] = add(m, log(fold(V, (v) => exp(sub(row[v]!, m)))));
  }
}

export function xentLogprob(call: Call): void {
  const [N, V] = [call.attribute('N'), call.attribute('V')];
  const logits = call.input(0);
  const lse = call.input(1);
  const targets = call.indices(2);
  const logprob = call.output(0);
  checkIndices(targets, V, 'target');
  for (let n = 0; n < N; n++) logprob[n] = sub(logits[n * V + targets[n]!]!, lse[n]!);
}

export function xentGrad(call: Call): void {
  const [N, V] = [call.attribute('N'), call.attribute('V')];
  const logits = call.input(0);
  const lse = call.input(1);
  const targets = call.indices(2);
  const coefficient = call.input(3);
  const dlogits = call.output(0);
  checkIndices(targets, V, 'target');
  for (let n = 0; n < N; n++) {
    for (let v = 0; v < V; v++) {
      const p = exp(sub(logits[n * V + v]!, lse[n]!));
      dlogits[n * V + v] = mul(coefficient[n]!, v === targets[n] ? sub(p, 1) : p);
    }
  }
}

/**
 * GRPO's coefficient (arXiv 2402.03300) with a higher upper clip (arXiv 2503.14476) and a cap on the ratio for
 * negative advantages (the dual clip of arXiv 1912.09729, as a cut).
 */
export function policyCoefficient(call: Call): void {
  const [clipLow, clipHigh] = [call.attribute('clipLow'), call.attribute('clipHigh')];
  const ratioCap = call.attribute('ratioCap');
  const logprob = call.input(0);
  const old = call.input(1);
  const advantage = call.input(2);
  const weight = call.input(3);
  const coefficient = call.output(0);
  for (let n = 0; n < coefficient.length; n++) {
    const ratio = exp(sub(logprob[n]!, old[n]!));
    const active = advantage[n]! > 0 ? ratio <= clipHigh : ratio >= clipLow && ratio <= ratioCap;
    coefficient[n] = active ? mul(mul(advantage[n]!, ratio), weight[n]!) : 0;
  }
}

export function lossWeighted(call: Call): void {
  const weight = call.input(0);
  const logprob = call.input(1);
  const total = fold(weight.length, (n) => mul(weight[n]!, logprob[n]!));
  call.output(0)[0] = sub(0, total);
}
