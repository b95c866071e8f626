import { describe, expect, it } from 'vitest';
import {
  float32Tensor,
  parseSafetensors,
  SafetensorsError,
  type StoredTensor,
  serializeSafetensors,
} from '../checkpoint/safetensors.ts';
import {
  BEGIN_TOKEN,
  characterTokenizerJson,
  END_TOKEN,
  PAD_TOKEN,
} from '../tokenizer/character-vocabulary.ts';
import { TokenizerError } from '../tokenizer/tokenizer-error.ts';
import { ModelConfigError, NANO_CONFIG } from './config.ts';
import { initialParameters } from './initialize.ts';
import { loadModel, type ModelFiles, modelFiles } from './load.ts';
import { ModelStateError } from './state.ts';

const draw = (...words: number[]) =>
  words.reduce((h, w) => Math.imul(h ^ w, 0x9e3779b1) ^ (h >>> 15), 7) >>> 0;
const parameters = initialParameters({ config: NANO_CONFIG, draw });
const files = modelFiles({
  config: NANO_CONFIG,
  parameters,
  tokenizerJson: characterTokenizerJson(),
  endToken: END_TOKEN,
  padToken: PAD_TOKEN,
  beginToken: BEGIN_TOKEN,
});

const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const configWith = (changes: Record<string, unknown>): ModelFiles => ({
  ...files,
  'config.json': text({
    ...(JSON.parse(new TextDecoder().decode(files['config.json'])) as Record<string, unknown>),
    ...changes,
  }),
});
function tensorsWith(edit: (tensors: Map<string, StoredTensor>) => void): ModelFiles {
  const { tensors, metadata } = parseSafetensors(files['model.safetensors']);
  const copy = new Map(tensors);
  edit(copy);
  return { ...files, 'model.safetensors': serializeSafetensors({ tensors: copy, metadata }) };
}

describe('loadModel', () => {
  it('reads what modelFiles wrote', () => {
    const model = loadModel(files);
    expect(model.config).toEqual(NANO_CONFIG);
    expect(model.parameters).toEqual(parameters);
    expect([model.endToken, model.padToken]).toEqual([END_TOKEN, PAD_TOKEN]);
    expect(model.tokenizer.decode(model.tokenizer.encode('12+7='))).toBe('12+7=');
  });

  it('widens bf16 and ignores the copy of a tied head', () => {
    const gain = 'model.norm.weight';
    const model = loadModel(
      tensorsWith((tensors) => {
        const ones = new Uint16Array(64).fill(0x3f80);
        tensors.set(gain, { dtype: 'BF16', shape: [64], data: new Uint8Array(ones.buffer) });
        tensors.set('lm_head.weight', float32Tensor([1], Float32Array.of(1)));
      }),
    );
    expect(model.parameters.get(gain)).toEqual(new Float32Array(64).fill(1));
    expect(model.parameters.has('lm_head.weight')).toBe(false);
  });

  it('makes values canonical: minus zero, subnormals and infinities', () => {
    const values = new Float32Array(64).fill(1);
    values.set([-0, 1e-40, Number.POSITIVE_INFINITY]);
    const model = loadModel(
      tensorsWith((tensors) => tensors.set('model.norm.weight', float32Tensor([64], values))),
    );
    expect([...model.parameters.get('model.norm.weight')!.subarray(0, 3)]).toEqual([
      0, 0, 3.4028234663852886e38,
    ]);
  });

  it('takes the first of several end tokens, and pads with it where there is no pad token', () => {
    const model = loadModel(configWith({ eos_token_id: [9, 8], pad_token_id: null }));
    expect([model.endToken, model.padToken]).toEqual([9, 9]);
  });

  const nan = new Float32Array(64).fill(Number.NaN);
  it.each<[string, ModelFiles, new (...a: never[]) => Error, RegExp]>([
    [
      'config.json that is no JSON',
      { ...files, 'config.json': text('').subarray(1) },
      ModelConfigError,
      /config.json is not JSON/,
    ],
    ['no end token', configWith({ eos_token_id: undefined }), ModelConfigError, /eos_token_id is missing/],
    ['an end token out of range', configWith({ eos_token_id: 64 }), ModelConfigError, /must be a token id/],
    ['a larger tokenizer', configWith({ vocab_size: 63 }), ModelConfigError, /files of one model/],
    ['no tokenizer', { ...files, 'tokenizer.json': text({}) }, TokenizerError, /fetch the model again/],
    [
      'truncated weights',
      { ...files, 'model.safetensors': files['model.safetensors'].subarray(0, -1) },
      SafetensorsError,
      /truncated/,
    ],
    ['a missing tensor', tensorsWith((t) => t.delete('model.norm.weight')), ModelStateError, /is missing/],
    [
      'a foreign tensor',
      tensorsWith((t) => t.set('x', float32Tensor([0], new Float32Array()))),
      ModelStateError,
      /x is not a parameter/,
    ],
    [
      'a transposed tensor',
      configWith({ intermediate_size: 64, hidden_size: 64 }),
      ModelStateError,
      /config.json makes it/,
    ],
    [
      'a shape of the same size',
      tensorsWith((t) => t.set('model.norm.weight', { ...t.get('model.norm.weight')!, shape: [8, 8] })),
      ModelStateError,
      /has shape \[8,8\]/,
    ],
    ['NaN', tensorsWith((t) => t.set('model.norm.weight', float32Tensor([64], nan))), ModelStateError, /NaN/],
    [
      'integer weights',
      tensorsWith((t) =>
        t.set('model.norm.weight', { dtype: 'I32', shape: [64], data: new Uint8Array(256) }),
      ),
      SafetensorsError,
      /F32, BF16 or F16/,
    ],
  ])('refuses %s', (_, bad, type, message) => {
    expect(() => loadModel(bad)).toThrow(type);
    expect(() => loadModel(bad)).toThrow(message);
  });
});
