/** The plan that makes the prepacked copy of a matrix. */

import { packRight } from './matmul-planner.ts';
import { locationsOf } from './memory-slots.ts';
import type { Plan } from './plan.ts';

/** Names of the matrix and of its copy. */
export const MATRIX = 'matrix';
export const COPY = 'copy';

/** Words of the copy of a matrix [N, K]. */
export function prepackedWords(N: number, K: number): number {
  return N * Math.ceil(K / 2);
}

/** Writes the copy of `MATRIX` [N, K] into `COPY`. */
export function planPrepack(matrix: {
  readonly N: number;
  readonly K: number;
  readonly bf16: boolean;
}): Plan {
  const step = packRight(
    { ...matrix, alongK: true },
    { kind: 'tensor', name: MATRIX },
    { kind: 'tensor', name: COPY },
  );
  return {
    steps: [{ op: 'matmul', step }],
    slots: [],
    indexChecks: [],
    written: new Set(),
    prepackable: new Map(),
    locate: locationsOf(new Map()),
  };
}
