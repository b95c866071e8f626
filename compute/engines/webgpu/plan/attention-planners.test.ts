import { describe, expect, it } from 'vitest';
import { operatorProgram } from '../../../repops/operator-program.ts';
import type { OperatorName } from '../../../repops/operators.ts';
import type { Program } from '../../../repops/program.ts';
import { planProgram } from './plan.ts';
import type { DispatchStep } from './steps.ts';

function attention(op: OperatorName, T: number, heads: number): Program {
  return operatorProgram(op, { B: 2, Tq: T, Tk: T, heads, kvHeads: 2, headDim: 64, scale: 0.125 });
}

/** The steps of a program that compute scores. */
function scoreSteps(program: Program): readonly DispatchStep<'attention.scores' | 'attention.slopes'>[] {
  return planProgram(program).steps.flatMap(({ step }) =>
    step.kind === 'dispatch' && (step.kernel === 'attention.scores' || step.kernel === 'attention.slopes')
      ? [step]
      : [],
  );
}

describe('attention over long sequences', () => {
  const ops = ['attention', 'attention.grad.q', 'attention.grad.kv'] as const;

  it.each(ops)('%s takes no more scratch for 8,192 tokens than for 4,096', (op) => {
    const words = (T: number) => planProgram(attention(op, T, 14)).slots.reduce((a, b) => a + b, 0);
    expect(words(4096)).toBeLessThanOrEqual(2 ** 24);
    expect(words(8192)).toBeLessThanOrEqual(2 ** 24);
  });

  it.each(ops)('%s computes every score of every unit once', (op) => {
    for (const [T, heads] of [
      [4096, 14],
      [1000, 4],
      [5, 2],
    ] as const) {
      const steps = scoreSteps(attention(op, T, heads));
      const starts = steps.map(({ params: p }) => [p.firstUnit, p.firstRow, p.firstKey].join());
      expect(new Set(starts).size).toBe(steps.length);
      const scores = steps.map(({ params: p }) => p.units * p.rows * p.keys);
      expect(scores.reduce((sum, count) => sum + count, 0)).toBe(4 * T * T);
    }
  });
});
