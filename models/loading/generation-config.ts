/** The sampling settings that a model's publisher recommends, and the tokens that end its answers. */
import { ModelLoadError } from './model-source.ts';

export interface GenerationDefaults {
  /** Each of them ends an answer. Empty when the model names none. */
  readonly endTokens: readonly number[];
  /** bos_token_id, when it is in the vocabulary. Whether a text gets one is for the tokenizer to say. */
  readonly beginToken?: number;
  /** Whether tokens are sampled. Otherwise the most probable token is taken. */
  readonly sample: boolean;
  readonly temperature: number;
  /** Number of most probable tokens to sample from. 0 means all tokens. */
  readonly topK: number;
  /** Probability mass to sample from. 1 means all tokens. */
  readonly topP: number;
  /** Settings of the file that affect sampling and that Starling does not apply. */
  readonly notApplied: readonly string[];
}

/** For each setting that Starling does not apply, the value with which it has no effect. */
const HARMLESS: Readonly<Record<string, unknown>> = {
  repetition_penalty: 1,
  no_repeat_ngram_size: 0,
  num_beams: 1,
  penalty_alpha: null,
  typical_p: 1,
  min_p: null,
  diversity_penalty: 0,
};

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads config.json and, if present, generation_config.json, which takes precedence. Special tokens outside
 * the vocabulary, and those that Starling does not use, are ignored. Throws ModelLoadError for a token that
 * is no number, or a setting out of range.
 */
export function parseGeneration(
  config: JsonObject,
  generation: JsonObject | undefined,
  vocabulary: number,
): GenerationDefaults {
  const source = generation ?? {};
  const own = (json: JsonObject, name: string): unknown =>
    Object.hasOwn(json, name) ? (json[name] ?? undefined) : undefined;
  const fail = (name: string, value: unknown): never => {
    throw new ModelLoadError(
      `${name} cannot be ${JSON.stringify(value)?.slice(0, 80)}; fetch the model again or correct it`,
    );
  };
  /** The ids of a field that are in the vocabulary. No other id can be drawn, so it ends and begins nothing. */
  const tokens = (name: string): readonly number[] => {
    const value = own(source, name) ?? own(config, name) ?? [];
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (list.length > 64) fail(name, value);
    return list
      .map((id) => (typeof id === 'number' && Number.isInteger(id) ? id : fail(name, value)))
      .filter((id) => id >= 0 && id < vocabulary);
  };
  const number = (name: string, fallback: number, least: number, most: number): number => {
    const value = own(source, name) ?? fallback;
    return typeof value === 'number' && value >= least && value <= most ? value : fail(name, value);
  };
  const [beginToken] = tokens('bos_token_id');
  const temperature = number('temperature', 1, 0, 1e6);
  const notApplied = Object.entries(HARMLESS).flatMap(([name, harmless]) => {
    const value = own(source, name) ?? harmless;
    return value === harmless ? [] : [`${name} ${JSON.stringify(value)?.slice(0, 40)}`];
  });
  const topK = number('top_k', 0, 0, 1 << 30);
  if (!Number.isInteger(topK)) fail('top_k', topK);
  return {
    endTokens: tokens('eos_token_id'),
    beginToken,
    sample: own(source, 'do_sample') === true && temperature > 0,
    temperature: temperature > 0 ? temperature : 1,
    topK: Math.min(topK, vocabulary),
    topP: number('top_p', 1, 0, 1),
    notApplied,
  };
}
