import { describe, expect, test } from 'vitest';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { runTrainingCase, TRAINING_CASE_ROOTS } from './training-case.ts';

describe('20 training steps reach the recorded checkpoint root', () => {
  test.each([1, 2, 4])('on %i threads', async (threads) => {
    const engine = await createWasmEngine({ threads, alwaysAllThreads: true });
    try {
      const { root, losses } = await runTrainingCase(engine);
      expect(losses).toHaveLength(20);
      expect(root).toBe(TRAINING_CASE_ROOTS[20]);
    } finally {
      await engine.stop();
    }
  });
});
