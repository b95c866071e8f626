import { describe, expect, it } from 'vitest';
import { elementCount } from '../../compute/repops/program.ts';
import { configJson, ModelConfigError, NANO_CONFIG, parameterSpecs, parseConfig } from './config.ts';

/** config.json of Qwen2.5-0.5B, as published. */
const QWEN = {
  architectures: ['Qwen2ForCausalLM'],
  attention_dropout: 0.0,
  bos_token_id: 151643,
  eos_token_id: 151643,
  hidden_act: 'silu',
  hidden_size: 896,
  initializer_range: 0.02,
  intermediate_size: 4864,
  max_position_embeddings: 32768,
  max_window_layers: 24,
  model_type: 'qwen2',
  num_attention_heads: 14,
  num_hidden_layers: 24,
  num_key_value_heads: 2,
  rms_norm_eps: 1e-6,
  rope_theta: 1000000.0,
  sliding_window: 32768,
  tie_word_embeddings: true,
  torch_dtype: 'bfloat16',
  use_cache: true,
  use_mrope: false,
  use_sliding_window: false,
  vocab_size: 151936,
};

/** config.json of Llama-3.2-1B, as published. */
const LLAMA = {
  architectures: ['LlamaForCausalLM'],
  attention_bias: false,
  attention_dropout: 0.0,
  bos_token_id: 128000,
  eos_token_id: 128001,
  head_dim: 64,
  hidden_act: 'silu',
  hidden_size: 2048,
  initializer_range: 0.02,
  intermediate_size: 8192,
  max_position_embeddings: 131072,
  mlp_bias: false,
  model_type: 'llama',
  num_attention_heads: 32,
  num_hidden_layers: 16,
  num_key_value_heads: 8,
  pretraining_tp: 1,
  rms_norm_eps: 1e-5,
  rope_scaling: {
    factor: 32.0,
    high_freq_factor: 4.0,
    low_freq_factor: 1.0,
    original_max_position_embeddings: 8192,
    rope_type: 'llama3',
  },
  rope_theta: 500000.0,
  tie_word_embeddings: true,
  torch_dtype: 'bfloat16',
  use_cache: true,
  vocab_size: 128256,
};

const count = (config: typeof NANO_CONFIG) =>
  parameterSpecs(config).reduce((sum, { shape }) => sum + elementCount(shape), 0);

describe('parseConfig', () => {
  it('reads a published Qwen2.5 configuration', () => {
    const config = parseConfig(QWEN);
    expect(config).toMatchObject({ hiddenSize: 896, headDim: 64, kvHeads: 2, tiedEmbedding: true });
    expect(count(config)).toBe(494_032_768);
  });

  it('reads back what configJson wrote', () => {
    expect(parseConfig(JSON.parse(JSON.stringify(configJson(NANO_CONFIG))))).toEqual(NANO_CONFIG);
    expect(count(NANO_CONFIG)).toBe(95_296);
  });

  it('reads a published Llama configuration', () => {
    const config = parseConfig(LLAMA);
    expect(config).toMatchObject({ family: 'llama', kvHeads: 8, ropeTheta: 500000, normEpsilon: 1e-5 });
    expect(config.ropeScaling).toEqual({
      type: 'llama3',
      factor: 32,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalContext: 8192,
    });
    expect(count(config)).toBe(1_235_814_400);
    expect(parseConfig(JSON.parse(JSON.stringify(configJson(config))))).toEqual(config);
  });

  it('reads the newer place of rotary settings, and pairs of neighbours', () => {
    const { rope_scaling, rope_theta, ...rest } = LLAMA;
    const newer = { ...rest, rope_parameters: { ...rope_scaling, rope_theta }, rope_interleave: true };
    const config = parseConfig(newer);
    expect(config).toEqual({ ...parseConfig(LLAMA), ropeInterleaved: true });
    expect(parseConfig(JSON.parse(JSON.stringify(configJson(config))))).toEqual(config);
  });

  it.each<[string, unknown, RegExp]>([
    ['no object', [], /JSON object/],
    ['another architecture', { ...QWEN, model_type: 'bert' }, /use a Qwen2- or Llama-type model/],
    ['another head', { ...QWEN, architectures: ['Qwen2ForSequenceClassification'] }, /causal language model/],
    ['architectures of another family', { ...QWEN, model_type: 'llama' }, /LlamaForCausalLM/],
    ['biases in Llama', { ...LLAMA, attention_bias: true }, /attention_bias true is not supported/],
    ['quantized weights', { ...LLAMA, quantization_config: { bits: 4 } }, /quantization_config/],
    ['sliding layers', { ...QWEN, layer_types: ['sliding_attention'] }, /layer_types/],
    ['partial rotation', { ...LLAMA, partial_rotary_factor: 0.5 }, /partial_rotary_factor/],
    ['a scaling that is no object', { ...LLAMA, rope_scaling: 3 }, /rope_scaling must be an object/],
    [
      'a ramp the wrong way round',
      { ...LLAMA, rope_scaling: { ...LLAMA.rope_scaling, high_freq_factor: 1 } },
      /above low_freq_factor/,
    ],
    ['a scaling without its factor', { ...LLAMA, rope_scaling: { rope_type: 'linear' } }, /factor must be/],
    ['a layout that is no switch', { ...LLAMA, rope_interleave: 1 }, /true or false/],
    ['another activation', { ...QWEN, hidden_act: 'gelu' }, /hidden_act/],
    ['scaled positions', { ...QWEN, rope_scaling: { type: 'yarn' } }, /rope_scaling/],
    ['a sliding window', { ...QWEN, use_sliding_window: true }, /sliding_window/],
    ['a missing size', { ...QWEN, hidden_size: undefined }, /hidden_size must be an integer/],
    ['an absurd size', { ...QWEN, vocab_size: 1e12 }, /vocab_size must be an integer/],
    ['heads that do not group', { ...QWEN, num_key_value_heads: 3 }, /multiple/],
    [
      'heads that do not divide the width',
      { ...QWEN, num_attention_heads: 10, num_key_value_heads: 2 },
      /multiple/,
    ],
    ['an odd head', { ...QWEN, head_dim: 63 }, /even/],
    ['a negative epsilon', { ...QWEN, rms_norm_eps: -1 }, /rms_norm_eps/],
    ['a text for a switch', { ...QWEN, tie_word_embeddings: 'yes' }, /true or false/],
  ])('refuses %s', (_, json, message) => {
    expect(() => parseConfig(json)).toThrow(ModelConfigError);
    expect(() => parseConfig(json)).toThrow(message);
  });

  it('adds a head where the embedding is not tied', () => {
    const untied = parameterSpecs({ ...NANO_CONFIG, tiedEmbedding: false });
    expect(untied.at(-1)).toEqual({ name: 'lm_head.weight', shape: [64, 64] });
  });
});
