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
  /** Settings that are neither applied nor known to have no effect, with their values. */
  readonly notApplied: readonly string[];
}

/** Fields that `parseGeneration` reads. */
const READ: readonly string[] = [
  'bos_token_id',
  'do_sample',
  'eos_token_id',
  'temperature',
  'top_k',
  'top_p',
];

/**
 * Fields that do not change which token is drawn after which: how long an answer may be, which the person
 * says, how it is computed, what is returned beside it, and tokens that only other kinds of models use.
 */
const WITHOUT_EFFECT: readonly string[] = [
  '_from_model_config',
  'assistant_confidence_threshold',
  'assistant_early_exit',
  'assistant_lookbehind',
  'cache_config',
  'cache_implementation',
  'compile_config',
  'decoder_start_token_id',
  'disable_compile',
  'is_assistant',
  'low_memory',
  'max_length',
  'max_matching_ngram_size',
  'max_new_tokens',
  'num_assistant_tokens',
  'num_assistant_tokens_schedule',
  'num_return_sequences',
  'output_attentions',
  'output_hidden_states',
  'output_logits',
  'output_scores',
  'pad_token_id',
  'prefill_chunk_size',
  'prompt_lookup_num_tokens',
  'return_dict_in_generate',
  'return_legacy_cache',
  'target_lookbehind',
  'transformers_version',
  'use_cache',
];

/**
 * Values with which a setting that Starling does not apply has no effect, beside null, false and empty ones.
 */
const HARMLESS: Readonly<Record<string, unknown>> = {
  diversity_penalty: 0,
  encoder_no_repeat_ngram_size: 0,
  encoder_repetition_penalty: 1,
  epsilon_cutoff: 0,
  eta_cutoff: 0,
  guidance_scale: 1,
  // Only beams have a length penalty, and these settings name num_beams themselves.
  length_penalty: 1,
  min_length: 0,
  min_new_tokens: 0,
  min_p: 0,
  no_repeat_ngram_size: 0,
  num_beam_groups: 1,
  num_beams: 1,
  penalty_alpha: 0,
  repetition_penalty: 1,
  top_h: 1,
  typical_p: 1,
};

/** Most settings that are named. */
const NAMED_LIMIT = 32;

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
  // Older models have these settings in config.json, and transformers reads them there as well.
  const source = generation ?? settingsOf(config);
  const own = (json: JsonObject, name: string): unknown =>
    Object.hasOwn(json, name) ? (json[name] ?? undefined) : undefined;
  const fail = (name: string, value: unknown): never => {
    throw new ModelLoadError(
      `${name} cannot be ${JSON.stringify(value)?.slice(0, 80)}; fetch the model again or correct it`,
    );
  };
  /**
   * The ids of a field that are in the vocabulary. No other id can be drawn, so it ends and begins nothing.
   */
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
  const topK = number('top_k', 0, 0, 1 << 30);
  if (!Number.isInteger(topK)) fail('top_k', topK);
  return {
    endTokens: tokens('eos_token_id'),
    beginToken,
    sample: own(source, 'do_sample') === true && temperature > 0,
    temperature: temperature > 0 ? temperature : 1,
    topK: Math.min(topK, vocabulary),
    topP: number('top_p', 1, 0, 1),
    notApplied: notApplied(generation ?? settingsOf(config)),
  };
}

/** The fields of config.json that are settings of generation. */
function settingsOf(config: JsonObject): JsonObject {
  const isSetting = (name: string) => READ.includes(name) || Object.hasOwn(HARMLESS, name);
  return Object.fromEntries(Object.entries(config).filter(([name]) => isSetting(name)));
}

/** Every setting but those that are applied or known to have no effect, with its value. */
function notApplied(settings: JsonObject): readonly string[] {
  const named = Object.entries(settings).flatMap(([name, value]) => {
    if (READ.includes(name) || WITHOUT_EFFECT.includes(name) || isOff(name, value)) return [];
    return [`${name.slice(0, 60)} ${JSON.stringify(value).slice(0, 40)}`];
  });
  if (named.length <= NAMED_LIMIT) return named;
  return [...named.slice(0, NAMED_LIMIT), `${named.length - NAMED_LIMIT} more`];
}

function isOff(name: string, value: unknown): boolean {
  if (value === null || value === false) return true;
  if (Object.hasOwn(HARMLESS, name)) return value === HARMLESS[name];
  return typeof value === 'object' && Object.keys(value ?? {}).length === 0;
}
