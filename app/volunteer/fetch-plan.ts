import type { FetchPlan } from './preflight.ts';

/** Bytes of the nano model's files. The build writes the number here (vite.config.ts). */
declare const __MODEL_BYTES__: number;

/**
 * What a click fetches. `codeBytes` is the compressed page with the chunks that a click loads, rounded up.
 */
export const FETCH_PLAN: FetchPlan = {
  modelBytes: __MODEL_BYTES__,
  codeBytes: 500_000,
  memoryBytes: 200_000_000,
};
