/**
 * Sizes of the programs that generation runs. They are multiples of fixed steps, so that few programs serve
 * all prompts.
 */
import type { DecoderConfig } from './config.ts';

const CACHE_STEP = 64;
const ROW_STEP = 8;
/** Most prompt tokens per row that run at once. It bounds the memory for activations. */
const PREFILL_CHUNK = 64;
const PREFILL_STEP = 8;

/** The number of rows that decode together, and the cache rows of each. */
export function decodeSizes(
  config: DecoderConfig,
  o: { readonly rows: number; readonly positions: number; readonly batch?: number | undefined },
): { readonly batch: number; readonly cacheLength: number } {
  return {
    batch: o.batch ?? Math.ceil(o.rows / ROW_STEP) * ROW_STEP,
    cacheLength: Math.min(config.context, Math.ceil(o.positions / CACHE_STEP) * CACHE_STEP),
  };
}

/**
 * The pieces in which prompts of up to `longest` tokens run, without their last token. Empty for very short
 * prompts.
 */
export function prefillLengths(
  longest: number,
  cacheLength: number,
): readonly { readonly start: number; readonly length: number }[] {
  const pieces: { start: number; length: number }[] = [];
  if (longest <= 2) return pieces;
  for (let start = 0; start < longest - 1; start += PREFILL_CHUNK) {
    const wanted = Math.ceil(Math.min(PREFILL_CHUNK, longest - 1 - start) / PREFILL_STEP) * PREFILL_STEP;
    pieces.push({ start, length: Math.min(wanted, cacheLength - start) });
  }
  return pieces;
}
