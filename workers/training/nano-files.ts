/** The files of a model in Hugging Face's layout: model.safetensors, config.json, tokenizer.json. */
import {
  float32Tensor,
  parseSafetensors,
  serializeSafetensors,
  toFloat32,
} from '../checkpoint/safetensors.ts';
import { configJson, type DecoderConfig, parameterSpecs, parseConfig } from '../model/config.ts';
import type { NamedTensors } from '../model/state.ts';
import {
  BEGIN_TOKEN,
  characterTokenizerJson,
  END_TOKEN,
  PAD_TOKEN,
} from '../tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../tokenizer/tokenizer.ts';
import { type Codec, codecOf } from './codec.ts';

export const MODEL_FILES = ['model.safetensors', 'config.json', 'tokenizer.json'] as const;

export type ModelFiles = Readonly<Record<(typeof MODEL_FILES)[number], Uint8Array>>;

export interface LoadedModel {
  readonly config: DecoderConfig;
  readonly parameters: NamedTensors;
  readonly codec: Codec;
}

function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
}

/** The files of a model with the character vocabulary. Equal weights give equal bytes. */
export function modelFiles(config: DecoderConfig, parameters: NamedTensors): ModelFiles {
  const tensors = new Map(
    parameterSpecs(config).map(({ name, shape }) => [
      name,
      float32Tensor(shape, parameters.get(name) ?? new Float32Array()),
    ]),
  );
  return {
    'model.safetensors': serializeSafetensors({ tensors, metadata: new Map([['format', 'pt']]) }),
    'config.json': jsonBytes({
      ...configJson(config),
      bos_token_id: BEGIN_TOKEN,
      eos_token_id: END_TOKEN,
      pad_token_id: PAD_TOKEN,
    }),
    'tokenizer.json': jsonBytes(characterTokenizerJson()),
  };
}

/**
 * Reads a model from its files. Throws SafetensorsError, ModelConfigError or TokenizerError for a bad one; whether the
 * tensors fit the configuration is checked where a session is made of them.
 */
export function readModel(files: ModelFiles): LoadedModel {
  const text = (name: (typeof MODEL_FILES)[number]) =>
    new TextDecoder('utf-8', { fatal: true }).decode(files[name]);
  const { tensors } = parseSafetensors(files['model.safetensors']);
  return {
    config: parseConfig(JSON.parse(text('config.json'))),
    parameters: new Map([...tensors].map(([name, tensor]) => [name, toFloat32(tensor, name)])),
    codec: codecOf(new Tokenizer(JSON.parse(text('tokenizer.json')))),
  };
}
