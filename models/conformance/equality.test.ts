import { describe, expect, it } from 'vitest';
import { createReferenceEngine } from '../../compute/engines/reference.ts';
import { runTrainingCase, TRAINING_CASE_ROOTS, TRAINING_CASE_STEPS } from './training-case.ts';

describe('20 training steps of the nano model', () => {
  it('reach the committed root on the reference engine', async () => {
    const { root, losses } = await runTrainingCase(createReferenceEngine());
    expect(losses).toHaveLength(TRAINING_CASE_STEPS);
    expect(root).toBe(TRAINING_CASE_ROOTS[20]);
  });

  it.each([1, 2] as const)('reach the committed root after %i', async (steps) => {
    expect((await runTrainingCase(createReferenceEngine(), { steps })).root).toBe(TRAINING_CASE_ROOTS[steps]);
  });
});
