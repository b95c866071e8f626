/** The configuration of a decoder of Qwen2's or Llama's shape, read from a Hugging Face config.json. */
import { parseRope, type RopeScaling, ropeJson } from './rope-config.ts';
import { shownValue } from './shown-value.ts';

/** Qwen2 has biases on the query, key and value projections. Llama has no biases. All else is equal. */
export type ModelFamily = 'qwen2' | 'llama';

export interface DecoderConfig {
  /** Defaults to qwen2. */
  readonly family?: ModelFamily;
  /** Width of the residual stream. */
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  /** Number of key/value heads. It divides `heads` (grouped-query attention, arXiv 2305.13245). */
  readonly kvHeads: number;
  readonly headDim: number;
  /** Width of the SwiGLU inner layer. */
  readonly feedForward: number;
  readonly vocabulary: number;
  /** Number of positions that the model was trained for. */
  readonly context: number;
  readonly ropeTheta: number;
  /** Scaling of the rotary frequencies for long contexts. Defaults to none. */
  readonly ropeScaling?: RopeScaling;
  /**
   * Whether rotary pairs are neighbours (2i, 2i + 1) instead of halves (i, i + headDim / 2). Defaults to
   * false.
   */
  readonly ropeInterleaved?: boolean;
  readonly normEpsilon: number;
  /** Whether the output head is the embedding table. */
  readonly tiedEmbedding: boolean;
}

export class ModelConfigError extends Error {
  override readonly name = 'ModelConfigError';
}

function fail(problem: string): never {
  throw new ModelConfigError(`config.json: ${problem}`);
}

type JsonObject = Readonly<Record<string, unknown>>;

function field(json: JsonObject, name: string): unknown {
  return Object.hasOwn(json, name) ? json[name] : undefined;
}

function integer(json: JsonObject, name: string, limit: number, fallback?: number): number {
  const value = field(json, name) ?? fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > limit) {
    fail(`${name} must be an integer from 1 to ${limit}, got ${shownValue(value)}`);
  }
  return value;
}

function positive(json: JsonObject, name: string, fallback?: number): number {
  const value = field(json, name) ?? fallback;
  if (typeof value !== 'number' || !(value > 0) || !Number.isFinite(value)) {
    fail(`${name} must be a positive number, got ${shownValue(value)}`);
  }
  return value;
}

const ARCHITECTURES: Readonly<Record<ModelFamily, string>> = {
  qwen2: 'Qwen2ForCausalLM',
  llama: 'LlamaForCausalLM',
};

function isFamily(value: unknown): value is ModelFamily {
  return typeof value === 'string' && Object.hasOwn(ARCHITECTURES, value);
}

/** Throws for every field with which the published model computes something else than this decoder. */
function refuseUnsupported(json: JsonObject, family: ModelFamily): void {
  const architectures = field(json, 'architectures') ?? null;
  if (architectures !== null) {
    const listed: readonly unknown[] = Array.isArray(architectures) ? architectures : [];
    if (!listed.includes(ARCHITECTURES[family])) {
      fail(`architectures must name ${ARCHITECTURES[family]}; use a causal language model`);
    }
  }
  const fixed: readonly (readonly [name: string, value: unknown])[] = [
    ['hidden_act', 'silu'],
    ['use_sliding_window', false],
    ['use_mrope', false],
    ['mlp_bias', false],
    ['partial_rotary_factor', 1],
    ['quantization_config', null],
    // Qwen2 always has its biases. In Llama the switch would also add a bias to o_proj.
    ...(family === 'llama' ? ([['attention_bias', false]] as const) : []),
  ];
  for (const [name, only] of fixed) {
    const value = field(json, name) ?? only;
    if (value !== only)
      fail(`${name} ${shownValue(value)} is not supported; use a model with ${shownValue(only)}`);
  }
  const layerTypes = field(json, 'layer_types') ?? [];
  if (!Array.isArray(layerTypes) || layerTypes.some((type) => type !== 'full_attention')) {
    fail('layer_types other than "full_attention" are not supported; use a model without sliding windows');
  }
}

/**
 * Reads a parsed config.json with `model_type` "qwen2" or "llama". Throws ModelConfigError for any model that
 * this decoder does not compute exactly as published: another architecture or activation, rotary scalings
 * other than "linear" and "llama3", a sliding window in use, or quantized weights.
 */
export function parseConfig(value: unknown): DecoderConfig {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) fail('must be a JSON object');
  const json = value as JsonObject;
  const family = field(json, 'model_type');
  if (!isFamily(family)) {
    fail(
      `model_type must be "qwen2" or "llama", got ${shownValue(family)}; use a Qwen2- or Llama-type model`,
    );
  }
  refuseUnsupported(json, family);
  const tied = field(json, 'tie_word_embeddings') ?? false;
  if (typeof tied !== 'boolean') fail('tie_word_embeddings must be true or false');

  const hiddenSize = integer(json, 'hidden_size', 1 << 16);
  const heads = integer(json, 'num_attention_heads', 1 << 10);
  const kvHeads = integer(json, 'num_key_value_heads', 1 << 10, heads);
  if (heads % kvHeads !== 0) fail('num_attention_heads must be a multiple of num_key_value_heads');
  if ((field(json, 'head_dim') ?? undefined) === undefined && hiddenSize % heads !== 0) {
    fail('hidden_size must be a multiple of num_attention_heads');
  }
  const headDim = integer(json, 'head_dim', 1 << 12, hiddenSize / heads);
  if (headDim % 2 !== 0) fail('head_dim must be even');
  const rope = parseRope(json, fail);
  return {
    // Fields with their default values stay absent, so that equal configurations are equal objects.
    ...(family === 'qwen2' ? {} : { family }),
    hiddenSize,
    layers: integer(json, 'num_hidden_layers', 1 << 10),
    heads,
    kvHeads,
    headDim,
    feedForward: integer(json, 'intermediate_size', 1 << 20),
    vocabulary: integer(json, 'vocab_size', 1 << 20),
    context: integer(json, 'max_position_embeddings', 1 << 20),
    ropeTheta: rope.theta,
    ...(rope.scaling === undefined ? {} : { ropeScaling: rope.scaling }),
    ...(rope.interleaved ? { ropeInterleaved: true } : {}),
    normEpsilon: positive(json, 'rms_norm_eps', 1e-6),
    tiedEmbedding: tied,
  };
}

/**
 * The config.json object of a configuration, with Hugging Face's field names. `parseConfig` is the inverse.
 */
export function configJson(config: DecoderConfig): Record<string, unknown> {
  const family = config.family ?? 'qwen2';
  return {
    architectures: [ARCHITECTURES[family]],
    ...(family === 'llama' ? { attention_bias: false } : {}),
    head_dim: config.headDim,
    hidden_act: 'silu',
    hidden_size: config.hiddenSize,
    intermediate_size: config.feedForward,
    max_position_embeddings: config.context,
    model_type: family,
    num_attention_heads: config.heads,
    num_hidden_layers: config.layers,
    num_key_value_heads: config.kvHeads,
    rms_norm_eps: config.normEpsilon,
    ...ropeJson(config),
    tie_word_embeddings: config.tiedEmbedding,
    torch_dtype: 'float32',
    use_sliding_window: false,
    vocab_size: config.vocabulary,
  };
}

/** The built-in model: about 0.1 M parameters over a vocabulary of 64 characters. */
export const NANO_CONFIG: DecoderConfig = {
  hiddenSize: 64,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  feedForward: 172,
  vocabulary: 64,
  context: 64,
  ropeTheta: 10000,
  normEpsilon: 1e-6,
  tiedEmbedding: true,
};

export interface ParameterSpec {
  /** Hugging Face's name. */
  readonly name: string;
  /** [out, in] for a linear layer. */
  readonly shape: readonly number[];
}

/** Whether the query, key and value projections have biases. */
export function hasAttentionBias(config: DecoderConfig): boolean {
  return (config.family ?? 'qwen2') === 'qwen2';
}

/** Every parameter, in the fixed order in which gradient norms are added and updates run. */
export function parameterSpecs(config: DecoderConfig): readonly ParameterSpec[] {
  const { hiddenSize: D, feedForward: F, vocabulary: V } = config;
  const Q = config.heads * config.headDim;
  const KV = config.kvHeads * config.headDim;
  const specs: ParameterSpec[] = [{ name: 'model.embed_tokens.weight', shape: [V, D] }];
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = `model.layers.${layer}.`;
    const bias = (name: string, size: number) =>
      hasAttentionBias(config) ? ([[`self_attn.${name}.bias`, [size]]] as const) : [];
    const shapes: readonly (readonly [string, readonly number[]])[] = [
      ['input_layernorm.weight', [D]],
      ['self_attn.q_proj.weight', [Q, D]],
      ...bias('q_proj', Q),
      ['self_attn.k_proj.weight', [KV, D]],
      ...bias('k_proj', KV),
      ['self_attn.v_proj.weight', [KV, D]],
      ...bias('v_proj', KV),
      ['self_attn.o_proj.weight', [D, Q]],
      ['post_attention_layernorm.weight', [D]],
      ['mlp.gate_proj.weight', [F, D]],
      ['mlp.up_proj.weight', [F, D]],
      ['mlp.down_proj.weight', [D, F]],
    ];
    for (const [name, shape] of shapes) specs.push({ name: prefix + name, shape });
  }
  specs.push({ name: 'model.norm.weight', shape: [D] });
  if (!config.tiedEmbedding) specs.push({ name: 'lm_head.weight', shape: [V, D] });
  return specs;
}
