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
/** Bytes for the caches and temporaries of a batch, unless the caller says otherwise. */
const GENERATION_MEMORY = 1 << 29;

export interface BatchSizes {
  /** Rows that run together. */
  readonly batch: number;
  /** Rows of the key/value cache of each. */
  readonly cacheLength: number;
}

/** A power of two or a multiple of 8: a large model's few rows are not padded to eight. */
function paddedRows(rows: number): number {
  return rows < ROW_STEP ? 2 ** Math.ceil(Math.log2(rows)) : Math.ceil(rows / ROW_STEP) * ROW_STEP;
}

/** The number of rows that decode together, and the cache rows of each. */
export function decodeSizes(
  config: DecoderConfig,
  o: { readonly rows: number; readonly positions: number; readonly batch?: number | undefined },
): BatchSizes {
  return {
    batch: o.batch ?? paddedRows(o.rows),
    cacheLength: Math.min(config.context, Math.ceil(o.positions / CACHE_STEP) * CACHE_STEP),
  };
}

export interface BatchRequest {
  readonly prompts: readonly (readonly number[])[];
  readonly maxNewTokens: number;
  readonly batch?: number;
  readonly memory?: number | undefined;
}

/** The sizes of the batches in which the prompts run: as many rows as memory holds, and at least one. */
export function batchSizes(config: DecoderConfig, request: BatchRequest): BatchSizes {
  const { prompts, maxNewTokens, memory = GENERATION_MEMORY } = request;
  const prompt = Math.max(...prompts.map(({ length }) => length));
  const sizes = decodeSizes(config, { rows: prompts.length, positions: prompt + maxNewTokens });
  if (request.batch !== undefined) return { ...sizes, batch: request.batch };
  const fitting = Math.floor(memory / rowBytes(config, sizes.cacheLength, prompt));
  if (fitting >= sizes.batch) return sizes;
  const whole = Math.floor(fitting / ROW_STEP) * ROW_STEP;
  return { ...sizes, batch: Math.max(1, whole, Math.min(fitting, ROW_STEP)) };
}

/**
 * Bytes of one row's caches and temporaries, an upper bound: its prompt counts as if no other row shared it.
 */
export function rowBytes(config: DecoderConfig, cacheLength: number, prompt: number): number {
  const { hiddenSize: D, heads, kvHeads, headDim, feedForward: F, vocabulary: V, layers } = config;
  const [Q, KV] = [heads * headDim, kvHeads * headDim];
  // A layer needs most where its gate meets its up-projection, or at its attention.
  const layer = 2 * D + Math.max(3 * F, 3 * Q + 3 * KV);
  const chunk = Math.max(1, ...prefillLengths(prompt, cacheLength).map(({ length }) => length));
  return 4 * (2 * layers * cacheLength * KV + Math.max(chunk * layer, layer + 2 * V));
}

/** Sizes of the caches of `prompts` prompts of up to `longest` tokens that several rows share. */
export function prefixSizes(prompts: number, longest: number, cacheLength: number): BatchSizes {
  return {
    batch: paddedRows(prompts),
    cacheLength: Math.min(cacheLength, Math.ceil((longest - 1) / CACHE_STEP) * CACHE_STEP),
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
