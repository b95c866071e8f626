/** Sampling with a key/value cache. */
import { canon } from '../../compute/repops/arithmetic.ts';
import { must } from '../../protocol/must.ts';
import type { DecoderConfig } from './config.ts';
import { decodeProgram } from './decoder.ts';
import type { WeightPlan } from './forward.ts';
import { type BatchSizes, batchSizes } from './generate-sizes.ts';
import { checkIds, ModelInputError, uniformValue } from './inputs.ts';
import { fillCaches } from './prompt-caches.ts';
import type { TensorStore } from './tensor-store.ts';

export interface GenerateOptions {
  /** Token ids: one prompt per row, each with at least one token. */
  readonly prompts: readonly (readonly number[])[];
  readonly maxNewTokens: number;
  /** The tokens that end a row. The drawn end token is the row's last token. */
  readonly endToken: number | readonly number[];
  /**
   * The draw in [0, 1) for new token `position` of row `row`, both counted from 0. Not called when greedy.
   */
  readonly uniform: (row: number, position: number) => number;
  /** Defaults to 1. */
  readonly temperature?: number;
  /** Takes the most probable token instead of sampling. Defaults to false. */
  readonly greedy?: boolean;
  /** Samples from the k most probable tokens; 0 means all. Ties at the edge are all kept. Defaults to 0. */
  readonly topK?: number;
  /** Samples from the most probable tokens with this share of the probability; 1 means all. Defaults to 1. */
  readonly topP?: number;
  /** Called with each token as it is drawn. A returned promise is awaited. */
  readonly onToken?: (row: number, token: number) => unknown;
  /** Whether prompts run in pieces instead of token by token. The bits are the same. Defaults to true. */
  readonly prefill?: boolean;
  /**
   * Rows that decode together. More prompts run in several batches, and further rows are padding; neither
   * changes a bit of the result. Defaults to the number of prompts, rounded up to a power of two or a
   * multiple of 8, or as many rows as `memory` holds.
   */
  readonly batch?: number;
  /** Bytes for the caches and temporaries of a batch. Defaults to 512 MiB. */
  readonly memory?: number | undefined;
  readonly signal?: AbortSignal;
}

export interface Generation {
  /** The new tokens, with the end token when it was drawn. */
  readonly tokens: readonly number[];
  /** Log-probability of each token in the distribution that it was drawn from, canonical f32. */
  readonly logprobs: readonly number[];
}

/**
 * Samples a continuation of each prompt with the parameters in `store`. A prompt that several rows continue
 * runs through the model once. Throws ModelInputError on input out of range.
 */
export async function generate(
  config: DecoderConfig,
  store: TensorStore,
  options: GenerateOptions,
  plan?: WeightPlan,
): Promise<Generation[]> {
  const { prompts, uniform, onToken } = options;
  if (prompts.length === 0) return [];
  checkOptions(config, options);
  const sizes = batchSizes(config, options);
  const generations: Generation[] = [];
  for (let first = 0; first < prompts.length; first += sizes.batch) {
    const part = {
      ...options,
      prompts: prompts.slice(first, first + sizes.batch),
      uniform: (row: number, position: number) => uniform(first + row, position),
      ...(onToken === undefined ? {} : { onToken: (row: number, id: number) => onToken(first + row, id) }),
    };
    generations.push(...(await generateTogether(config, store, part, sizes, plan)));
  }
  return generations;
}

/** Continues at most `sizes.batch` prompts in one batch. */
async function generateTogether(
  config: DecoderConfig,
  store: TensorStore,
  options: GenerateOptions,
  sizes: BatchSizes,
  plan: WeightPlan | undefined,
): Promise<Generation[]> {
  const { prompts, maxNewTokens } = options;
  const prefilled =
    options.prefill !== false &&
    (await fillCaches({ config, store, prompts, sizes, plan, signal: options.signal }));
  const { batch, cacheLength } = sizes;
  const greedy = options.greedy ?? false;
  const invTemperature = canon(1 / (options.temperature ?? 1));
  const { topK = 0, topP = 1 } = options;
  const key = `decode ${batch} ${cacheLength} ${invTemperature} ${greedy} ${topK} ${topP}`;
  const program = store.program(key, () =>
    decodeProgram(config, { batch, cacheLength, invTemperature, greedy, topK, topP, plan }),
  );
  const rows = prompts.map((prompt) => ({
    /** Position of the next token. */
    position: prefilled ? prompt.length - 1 : 0,
    tokens: [] as number[],
    logprobs: [] as number[],
    done: false,
  }));
  const ends = new Set(typeof options.endToken === 'number' ? [options.endToken] : options.endToken);
  const padding = must(must(prompts, 0), 0);
  const tokens = new Uint32Array(batch).fill(padding);
  const positions = new Uint32Array(batch);
  const uniform = new Float32Array(batch);
  while (rows.some((row) => !row.done)) {
    for (const [b, row] of rows.entries()) {
      const prompt = must(prompts, b);
      // A finished row repeats its last token at its last position.
      if (row.done) continue;
      const drawn = row.position - (prompt.length - 1);
      tokens[b] =
        row.position < prompt.length ? must(prompt, row.position) : must(row.tokens, row.tokens.length - 1);
      positions[b] = row.position;
      uniform[b] = drawn >= 0 && !greedy ? uniformValue(options.uniform(b, drawn)) : 0;
    }
    program.write('tokens', tokens);
    program.write('positions', positions);
    program.write('uniform', uniform);
    await program.run({ signal: options.signal });
    const drawing = rows.map((row, b) => !row.done && row.position >= must(prompts, b).length - 1);
    for (const row of rows) if (!row.done) row.position += 1;
    // Only the last token of a prompt and later tokens draw, so otherwise there is nothing to read.
    if (!drawing.includes(true)) continue;
    const ids = await program.words('ids');
    const logprobs = await program.floats('logprob');
    for (const [b, row] of rows.entries()) {
      if (!drawing[b]) continue;
      const id = must(ids, b);
      row.tokens.push(id);
      row.logprobs.push(must(logprobs, b));
      row.done = ends.has(id) || row.tokens.length >= maxNewTokens;
      await options.onToken?.(b, id);
    }
  }
  return rows.map((row) => ({ tokens: row.tokens, logprobs: row.logprobs }));
}

function checkOptions(config: DecoderConfig, options: GenerateOptions): void {
  const { prompts, maxNewTokens, batch = 1, temperature = 1, topK = 0, topP = 1 } = options;
  const positions = Math.max(...prompts.map((prompt) => prompt.length)) + maxNewTokens;
  if (!Number.isInteger(batch) || batch < 1) {
    throw new ModelInputError(`batch must be a positive integer, got ${batch}`);
  }
  if (!Number.isInteger(maxNewTokens) || maxNewTokens < 1) {
    throw new ModelInputError(`maxNewTokens must be a positive integer, got ${maxNewTokens}`);
  }
  if (!(temperature > 0) || !Number.isFinite(temperature)) {
    throw new ModelInputError(
      `temperature must be positive, got ${temperature}; for the best token set greedy`,
    );
  }
  if (!Number.isInteger(topK) || topK < 0) {
    throw new ModelInputError(`topK must be 0 or a positive integer, got ${topK}`);
  }
  if (!(topP > 0 && topP <= 1)) throw new ModelInputError(`topP must be above 0 and at most 1, got ${topP}`);
  if (positions > config.context) {
    throw new ModelInputError(
      `prompt and answer need ${positions} positions, the model has ${config.context}; shorten the prompt or maxNewTokens`,
    );
  }
  for (const prompt of prompts) {
    if (prompt.length === 0) throw new ModelInputError('a prompt must have at least one token');
    checkIds(config, prompt, 'prompt');
  }
}
