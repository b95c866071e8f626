import { describe, expect, it } from 'vitest';
import { elementCount } from '../repops/program.ts';
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

  it.each<[string, unknown, RegExp]>([
    ['no object', [], /JSON object/],
    ['another architecture', { ...QWEN, model_type: 'llama' }, /use a Qwen2-type model/],
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
