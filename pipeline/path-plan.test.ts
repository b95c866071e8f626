import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { legalOrders } from './legal-orders.ts';
import { PathPlanError, pathPlan } from './path-plan.ts';

const seed = Uint8Array.of(1, 2, 3);

describe('pathPlan', () => {
  it.each([
    { stages: 6, visited: 4, unit: 5, visits: 3 },
    { stages: 8, visited: 6, unit: 7, visits: 5 },
    { stages: 4, visited: 3, unit: 3, visits: 2 },
  ])(
    'gives each of $stages stages equally many microbatches, in legal orders',
    ({ stages, visited, unit, visits }) => {
      const legal = new Set(legalOrders({ stages, visited }).map(String));
      fc.assert(
        fc.property(
          fc.uint8Array({ minLength: 1, maxLength: 32 }),
          fc.integer({ min: 1, max: 9 }),
          fc.integer({ min: 1, max: 6 }),
          (bytes, step, times) => {
            const plan = pathPlan({
              seed: bytes,
              step,
              microbatches: times * unit,
              rules: { stages, visited },
            });
            expect(plan).toHaveLength(times * unit);
            for (const order of plan) expect(legal).toContain(String(order));
            for (let stage = 1; stage < stages; stage++)
              expect(plan.filter((order) => order.includes(stage))).toHaveLength(times * visits);
          },
        ),
        { numRuns: 30, seed: 3 },
      );
    },
  );

  it('is the same for the same seed and step, and another for another', () => {
    const rules = { stages: 6, visited: 4 };
    const plan = (bytes: Uint8Array, step: number) =>
      pathPlan({ seed: bytes, step, microbatches: 15, rules });
    expect(plan(seed, 1)).toEqual(plan(Uint8Array.from(seed), 1));
    expect(plan(seed, 2)).not.toEqual(plan(seed, 1));
    expect(plan(Uint8Array.of(9), 1)).not.toEqual(plan(seed, 1));
    expect(plan(seed, 1).map(String).join(' ')).toMatchInlineSnapshot(
      `"1,3,5 2,5,4 1,4,3 4,3,5 4,3,5 1,2,5 3,2,4 1,3,4 1,3,4 1,2,3 1,2,3 2,5,4 1,2,5 2,4,5 2,1,5"`,
    );
  });

  it('uses all 22 legal orders of four of six stages', () => {
    const seen = new Set<string>();
    for (let step = 1; step < 40; step++)
      for (const order of pathPlan({
        seed,
        step,
        microbatches: 15,
        rules: { stages: 6, visited: 4 },
        fullEvery: 0,
      }))
        seen.add(String(order));
    expect(seen.size).toBe(22);
  });

  it('visits all stages in order in every tenth step', () => {
    const rules = { stages: 6, visited: 4 };
    const isFull = (step: number, fullEvery?: number) =>
      pathPlan({
        seed,
        step,
        microbatches: 5,
        rules,
        ...(fullEvery === undefined ? {} : { fullEvery }),
      }).every((order) => String(order) === '1,2,3,4,5');
    expect(Array.from({ length: 21 }, (_, step) => step).filter((step) => isFull(step))).toEqual([0, 10, 20]);
    expect(isFull(0, 0)).toBe(false);
    expect(isFull(3, 3)).toBe(true);
  });

  it.each([
    { microbatches: 7, rules: { stages: 6, visited: 4 } },
    { microbatches: 0, rules: { stages: 6, visited: 4 } },
    { microbatches: 5000, rules: { stages: 6, visited: 4 } },
    { microbatches: 90, rules: { stages: 10, visited: 3 } },
  ])(
    'refuses $microbatches microbatches over $rules.visited of $rules.stages stages',
    ({ microbatches, rules }) => {
      expect(() => pathPlan({ seed, step: 1, microbatches, rules })).toThrow(PathPlanError);
    },
  );
});
