import { describe, expect, it } from 'vitest';
import { operatorProgram } from '../../../repops/operator-program.ts';
import type { OperatorName } from '../../../repops/operators.ts';
import type { Program } from '../../../repops/program.ts';
import { planProgram } from './plan.ts';

function attention(op: OperatorName, T: number, heads: number): Program {
  return operatorProgram(op, { B: 2, Tq: T, Tk: T, heads, kvHeads: 2, headDim: 64, scale: 0.125 });
}

/** Words of the attention kernels' Params, by their place after `zero`. */
const [UNITS, FIRST_UNIT, FIRST_ROW, ROWS, FIRST_KEY, KEYS] = [0, 1, 8, 9, 10, 11] as const;

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
      const seen = new Set<string>();
      let scores = 0;
      for (const { step } of planProgram(attention(op, T, heads)).steps) {
        if (step.kind !== 'dispatch' || !/scores|slopes/.test(step.kernel)) continue;
        const p = step.params;
        seen.add([p[FIRST_UNIT], p[FIRST_ROW], p[FIRST_KEY]].join());
        scores += (p[UNITS] ?? 0) * (p[ROWS] ?? 0) * (p[KEYS] ?? 0);
      }
      expect(scores).toBe(4 * T * T);
      expect(seen.size).toBe(
        planProgram(attention(op, T, heads)).steps.filter(
          ({ step }) => step.kind === 'dispatch' && /scores|slopes/.test(step.kernel),
        ).length,
      );
    }
  });
});
