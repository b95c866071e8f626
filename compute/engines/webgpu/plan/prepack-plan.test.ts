import { expect, test } from 'vitest';
import { MAX_FOLD } from '../../../repops/limits.ts';
import { operatorProgram } from '../../../repops/operator-program.ts';
import { DEFAULT_TUNING, SOFTWARE_TUNING } from '../tuning/tuning.ts';
import { loopIterations, MAX_LOOP_ITERATIONS } from './loop-iterations.ts';
import { type Plan, planProgram } from './plan.ts';
import { planPrepack } from './prepack-plan.ts';

const dispatchesOf = ({ steps }: Plan) =>
  steps.flatMap(({ step }) => (step.kind === 'dispatch' ? [step] : []));

function planOf(o: { M: number; N: number; K: number; transposeB?: 0 | 1; tuning?: typeof SOFTWARE_TUNING }) {
  const { M, N, K, transposeB = 1, tuning = SOFTWARE_TUNING } = o;
  const program = operatorProgram('matmul', { M, N, K, transposeA: 0, transposeB });
  const b = program.nodes[0]?.inputs[1] ?? '';
  const plan = planProgram(program, tuning, new Map([[b, { N, K }]]));
  const reads = dispatchesOf(plan).flatMap(({ bindings }) => Object.values(bindings));
  return { plan, b, reads };
}

test('a product by a matrix with a copy reads the copy, and not the matrix', () => {
  for (const M of [1, 2, 5, 8, 9, 64]) {
    const { b, reads } = planOf({ M, N: 300, K: 130 });
    expect(reads, `${M} rows`).toContainEqual({ kind: 'prepacked', name: b });
    expect(reads, `${M} rows`).not.toContainEqual({ kind: 'tensor', name: b });
  }
});

test('a product that has no use of the copy reads the matrix', () => {
  for (const { b, reads } of [
    planOf({ M: 1, N: 300, K: 130, tuning: DEFAULT_TUNING }),
    planOf({ M: 9, N: 300, K: 130, transposeB: 0 }),
    planOf({ M: 1, N: 3, K: MAX_FOLD }),
  ]) {
    expect(reads).not.toContainEqual({ kind: 'prepacked', name: b });
    expect(reads).toContainEqual({ kind: 'tensor', name: b });
  }
});

test('no step has more loop iterations than drivers allow', () => {
  for (const K of [1, 63, 4864, 100_000, 2 ** 18, MAX_FOLD]) {
    for (const M of [1, 8, 9]) {
      const { plan } = planOf({ M, N: 5, K });
      for (const step of dispatchesOf(plan))
        expect(loopIterations(step)).toBeLessThanOrEqual(MAX_LOOP_ITERATIONS);
    }
    for (const step of dispatchesOf(planPrepack({ N: 5, K, bf16: false }))) {
      expect(loopIterations(step)).toBeLessThanOrEqual(MAX_LOOP_ITERATIONS);
    }
  }
});
