/** Sampling with a key/value cache. */
import { canon } from '../../compute/repops/arithmetic.ts';
import type { DecoderConfig } from './config.ts';
import { decodeProgram, prefillProgram } from './decoder.ts';
import type { WeightPlan } from './forward.ts';
import { decodeSizes, prefillLengths } from './generate-sizes.ts';
import { checkIds, ModelInputError, uniformValue } from './inputs.ts';
import type { TensorStore } from './tensor-store.ts';

export interface GenerateOptions {
  /** Token ids, one prompt a row, each at least one token. */
  readonly prompts: readonly (readonly number[])[];
  readonly maxNewTokens: number;
  /** Drawn, it (or any of them) ends a row and is the row's last token. */
  readonly endToken: number | readonly number[];
  /** In [0, 1): the draw for token `position` (0 is the first new one) of row `row`. Not called when greedy. */
  readonly uniform: (row: number, position: number) => number;
  /** 1 unless given. */
  readonly temperature?: number;
  readonly greedy?: boolean;
  /** Draws among the k most probable tokens only; 0 or absent: all. Ties at the edge are all kept. */
  readonly topK?: number;
  /** Draws among the most probable tokens that hold this share of the probability; 1 or absent: all. */
  readonly topP?: number;
  /** Called with each token as it is drawn; a promise that it gives is waited for. */
  readonly onToken?: (row: number, token: number) => unknown;
  /** false runs prompts token by token, with the same bits; true unless given. */
  readonly prefill?: boolean;
  /**
   * Rows that decode together, at least the number of prompts, which is rounded up to a multiple of 8 when this is absent.
   * More rows are padding and change no bit of the result.
   */
  readonly batch?: number;
  readonly signal?: AbortSignal;
}

export interface Generation {
  /** New tokens, end token included when it was drawn. */
  readonly tokens: readonly number[];
  /** Canonical f32 log-probability of each in the distribution that it was drawn from. */
  readonly logprobs: readonly number[];
}

interface Sizes {
  readonly batch: number;
  readonly cacheLength: number;
}

/** Samples a continuation of each prompt with the parameters in `store`. Throws ModelInputError on input out of range. */
export async function generate(
  config: DecoderConfig,
  store: TensorStore,
  options: GenerateOptions,
  plan?: WeightPlan,
): Promise<Generation[]> {
  const { prompts, maxNewTokens } = options;
  if (prompts.length === 0) return [];
  const sizes = checkOptions(config, options);
  const longest = Math.max(...prompts.map((prompt) => prompt.length));
  const pieces = options.prefill === false ? [] : prefillLengths(longest, sizes.cacheLength);
  for (const piece of pieces) await prefill(config, store, options, { ...sizes, ...piece }, plan);
  const prefilled = pieces.length > 0;
  const { batch, cacheLength } = sizes;
  const greedy = options.greedy ?? false;
  const invTemperature = canon(1 / (options.temperature ?? 1));
  const { topK = 0, topP = 1 } = options;
  const key = `decode ${batch} ${cacheLength} ${invTemperature} ${greedy} ${topK} ${topP}`;
  const program = store.program(key, () =>
    decodeProgram(config, {
      batch,
      cacheLength,
      invTemperature,
      greedy,
      topK,
      topP,
      ...(plan === undefined ? {} : { plan }),
    }),
  );
  const rows = prompts.map((prompt) => ({
    /** Where the next token goes. */
    position: prefilled ? prompt.length - 1 : 0,
    tokens: [] as number[],
    logprobs: [] as number[],
    done: false,
  }));
  const ends = new Set(typeof options.endToken === 'number' ? [options.endToken] : options.endToken);
  const tokens = new Uint32Array(batch).fill(prompts[0]?.[0] ?? 0);
  const positions = new Uint32Array(batch);
  const uniform = new Float32Array(batch);
  while (rows.some((row) => !row.done)) {
    for (const [b, row] of rows.entries()) {
      const prompt = prompts[b]!;
      // A row that is done repeats its last token in place.
      if (row.done) continue;
      const drawn = row.position - (prompt.length - 1);
      tokens[b] = prompt[row.position] ?? row.tokens.at(-1) ?? 0;
      positions[b] = row.position;
      uniform[b] = drawn >= 0 && !greedy ? uniformValue(options.uniform(b, drawn)) : 0;
    }
    program.write('tokens', tokens);
    program.write('positions', positions);
    program.write('uniform', uniform);
    await program.run({ signal: options.signal });
    const drawing = rows.map((row, b) => !row.done && row.position >= prompts[b]!.length - 1);
    for (const row of rows) if (!row.done) row.position += 1;
    // A prompt token but the last draws nothing, so there is nothing to wait for.
    if (!drawing.includes(true)) continue;
    const ids = await program.words('ids');
    const logprobs = await program.floats('logprob');
    for (const [b, row] of rows.entries()) {
      if (!drawing[b]) continue;
      row.tokens.push(ids[b]!);
      row.logprobs.push(logprobs[b]!);
      row.done = ends.has(ids[b]!) || row.tokens.length >= maxNewTokens;
      await options.onToken?.(b, ids[b]!);
    }
  }
  return rows.map((row) => ({ tokens: row.tokens, logprobs: row.logprobs }));
}

/**
 * Fills the caches with `length` tokens of every prompt from position `start` on; a prompt's last token is left to decoding. A
 * shorter prompt's row goes on with padding, whose keys nobody sees: a query sees no position beyond its own, and decoding
 * overwrites them one by one before that.
 */
async function prefill(
  config: DecoderConfig,
  store: TensorStore,
  options: GenerateOptions,
  o: Sizes & { readonly start: number; readonly length: number },
  plan: WeightPlan | undefined,
): Promise<void> {
  const { prompts } = options;
  const { batch, cacheLength, start, length } = o;
  const program = store.program(`prefill ${batch} ${length} ${cacheLength}`, () =>
    prefillProgram(config, { batch, length, cacheLength, ...(plan === undefined ? {} : { plan }) }),
  );
  const padding = prompts[0]?.[0] ?? 0;
  const at = (index: number) => start + (index % length);
  const indices = Array.from({ length: batch * length }, (_, index) => index);
  program.write(
    'tokens',
    Uint32Array.from(indices, (i) => prompts[Math.floor(i / length)]?.[at(i)] ?? padding),
  );
  program.write('positions', Uint32Array.from(indices, at));
  if (length > 1) program.write('starts', new Uint32Array(batch).fill(start));
  await program.run({ signal: options.signal });
}

function checkOptions(config: DecoderConfig, options: GenerateOptions): Sizes {
  const { prompts, maxNewTokens, temperature = 1, topK = 0, topP = 1 } = options;
  const positions = Math.max(...prompts.map((prompt) => prompt.length)) + maxNewTokens;
  const sizes = decodeSizes(config, { rows: prompts.length, positions, batch: options.batch });
  const { batch } = sizes;
  if (!Number.isInteger(batch) || batch < prompts.length) {
    throw new ModelInputError(`batch must be an integer of at least ${prompts.length}, got ${batch}`);
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
  return sizes;
}
