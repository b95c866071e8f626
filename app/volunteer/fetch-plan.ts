import type { FetchPlan } from './preflight.ts';

/**
 * Bytes of the nano model's files, put here by the build (vite.config.ts) so that asking costs no request.
 */
declare const __MODEL_BYTES__: number;

/**
 * What a click fetches. The code is the compressed size of the page and of the chunks loaded on a click,
 * rounded up.
 */
export const FETCH_PLAN: FetchPlan = {
  modelBytes: __MODEL_BYTES__,
  codeBytes: 500_000,
  memoryBytes: 200_000_000,
};
