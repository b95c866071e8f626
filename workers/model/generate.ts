/** Sampling with a key/value cache. */
import { canon } from '../repops/arithmetic.ts';
import type { DecoderConfig } from './config.ts';
import { decodeProgram } from './decoder.ts';
import { checkIds, ModelInputError, uniformValue } from './inputs.ts';
import type { TensorStore } from './tensor-store.ts';

/** Key/value cache rows and decoding rows come in multiples of these, so that few programs serve all sizes. */
const CACHE_STEP = 64;
const ROW_STEP = 8;

export interface GenerateOptions {
  /** Token ids, one prompt a row, each at least one token. */
  readonly prompts: readonly (readonly number[])[];
  readonly maxNewTokens: number;
  /** Drawn, it ends a row and is the row's last token. */
  readonly endToken: number;
  /** In [0, 1): the draw for token `position` (0 is the first new one) of row `row`. Not called when greedy. */
  readonly uniform: (row: number, position: number) => number;
  /** 1 unless given. */
  readonly temperature?: number;
  readonly greedy?: boolean;
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
  /** Canonical f32 log-probability of each at the sampling temperature. */
  readonly logprobs: readonly number[];
}

/** Samples a continuation of each prompt with the parameters in `store`. Throws ModelInputError on input out of range. */
export async function generate(
  config: DecoderConfig,
  store: TensorStore,
  options: GenerateOptions,
): Promise<Generation[]> {
  const { prompts, maxNewTokens, endToken, signal } = options;
  const greedy = options.greedy ?? false;
  const temperature = options.temperature ?? 1;
  if (prompts.length === 0) return [];
  const batch = options.batch ?? Math.ceil(prompts.length / ROW_STEP) * ROW_STEP;
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
  const longest = Math.max(...prompts.map((prompt) => prompt.length));
  const positions = longest + maxNewTokens;
  if (positions > config.context) {
    throw new ModelInputError(
      `prompt and answer need ${positions} positions, the model has ${config.context}; shorten the prompt or maxNewTokens`,
    );
  }
  for (const prompt of prompts) {
    if (prompt.length === 0) throw new ModelInputError('a prompt must have at least one token');
    checkIds(config, prompt, 'prompt');
  }
  const cacheLength = Math.min(config.context, Math.ceil(positions / CACHE_STEP) * CACHE_STEP);
  const invTemperature = canon(1 / temperature);
  const program = store.program(`decode ${batch} ${cacheLength} ${invTemperature} ${greedy}`, () =>
    decodeProgram(config, { batch, cacheLength, invTemperature, greedy }),
  );
  const rows = prompts.map(() => ({ tokens: [] as number[], logprobs: [] as number[], done: false }));
  const tokens = new Uint32Array(batch).fill(prompts[0]?.[0] ?? 0);
  const uniform = new Float32Array(batch);
  for (let position = 0; position < positions - 1; position++) {
    for (const [b, prompt] of prompts.entries()) {
      const row = rows[b]!;
      if (row.done) continue;
      const drawn = position - (prompt.length - 1);
      tokens[b] = prompt[position] ?? row.tokens.at(-1) ?? 0;
      uniform[b] = drawn >= 0 && !greedy ? uniformValue(options.uniform(b, drawn)) : 0;
    }
    program.write('tokens', tokens);
    program.write('positions', new Uint32Array(batch).fill(position));
    program.write('uniform', uniform);
    await program.run({ signal });
    // A prompt token but the last draws nothing, so there is nothing to wait for.
    if (rows.every((row, b) => row.done || position < (prompts[b]?.length ?? 0) - 1)) continue;
    const ids = await program.words('ids');
    const logprobs = await program.floats('logprob');
    for (const [b, prompt] of prompts.entries()) {
      const row = rows[b]!;
      if (row.done || position < prompt.length - 1) continue;
      row.tokens.push(ids[b]!);
      row.logprobs.push(logprobs[b]!);
      row.done = ids[b] === endToken || row.tokens.length >= maxNewTokens;
    }
    if (rows.every((row) => row.done)) break;
  }
  return rows.map(({ tokens, logprobs }) => ({ tokens, logprobs }));
}
