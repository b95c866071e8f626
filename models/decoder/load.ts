/**
 * Reads and writes model folders in Hugging Face's layout: config.json, model.safetensors, tokenizer.json.
 */
import {
  float32Tensor,
  parseSafetensors,
  type SafetensorsLimits,
  type StoredTensor,
  serializeSafetensors,
  toFloat32,
} from '../checkpoint/safetensors.ts';
import { Tokenizer } from '../tokenizer/tokenizer.ts';
import { configJson, type DecoderConfig, ModelConfigError, parameterSpecs, parseConfig } from './config.ts';
import { canonicalCopy, checkTensors, ModelStateError, type NamedTensors, tensorNamed } from './state.ts';
import { toBfloat16 } from './weights.ts';

/** The bytes of the three files. */
export interface ModelFiles {
  readonly 'config.json': Uint8Array;
  readonly 'model.safetensors': Uint8Array;
  readonly 'tokenizer.json': Uint8Array;
}

export interface LoadedModel {
  readonly config: DecoderConfig;
  /** Canonical f32. */
  readonly parameters: NamedTensors;
  readonly tokenizer: Tokenizer;
  /** Ends an answer: the first of config.json's `eos_token_id`. */
  readonly endToken: number;
  /** Fills rows: `pad_token_id`, or the end token when there is none. */
  readonly padToken: number;
}

/**
 * Reads a model folder. Throws ModelConfigError, SafetensorsError, TokenizerError or ModelStateError. Each
 * names the file and the remedy.
 */
export function loadModel(files: ModelFiles, limits: SafetensorsLimits = {}): LoadedModel {
  const json = parseJson(files['config.json'], 'config.json');
  const config = parseConfig(json);
  const tokenizer = new Tokenizer(parseJson(files['tokenizer.json'], 'tokenizer.json'));
  if (tokenizer.size > config.vocabulary) {
    throw new ModelConfigError(
      `tokenizer.json has ${tokenizer.size} tokens, config.json's vocab_size is ${config.vocabulary}; use files of one model`,
    );
  }
  const { tensors } = parseSafetensors(files['model.safetensors'], limits);
  const parameters = new Map<string, Float32Array>();
  for (const [name, tensor] of tensors) {
    // A tied model may repeat its embedding as the head. Both are one parameter.
    if (config.tiedEmbedding && name === 'lm_head.weight') continue;
    parameters.set(name, canonicalCopy(toFloat32(tensor, name), name));
  }
  checkTensors(config, parameters, 'model.safetensors');
  for (const { name, shape } of parameterSpecs(config)) {
    const found = tensors.get(name)?.shape;
    if (found === undefined || found.length !== shape.length || found.some((size, i) => size !== shape[i])) {
      throw new ModelStateError(
        `model.safetensors: ${name} has shape [${found}], config.json makes it [${shape}]`,
      );
    }
  }
  const endToken = tokenId(json, 'eos_token_id', config);
  if (endToken === undefined) {
    throw new ModelConfigError('config.json: eos_token_id is missing; add the id of the end token');
  }
  return {
    config,
    parameters,
    tokenizer,
    endToken,
    padToken: tokenId(json, 'pad_token_id', config) ?? endToken,
  };
}

function parseJson(bytes: Uint8Array, file: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new ModelConfigError(`${file} is not JSON; fetch the model again`);
  }
}

function tokenId(json: unknown, field: string, config: DecoderConfig): number | undefined {
  const object = json as Readonly<Record<string, unknown>>;
  const value = Object.hasOwn(object, field) ? object[field] : undefined;
  const id: unknown = Array.isArray(value) ? value[0] : value;
  if (id === undefined || id === null) return undefined;
  if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= config.vocabulary) {
    throw new ModelConfigError(`config.json: ${field} must be a token id, got ${JSON.stringify(value)}`);
  }
  return id;
}

/**
 * The files of a model. `loadModel` reads them back, with bfloat16 rounded to nearest even. Equal arguments
 * give equal bytes.
 */
export function modelFiles(options: {
  readonly config: DecoderConfig;
  readonly parameters: NamedTensors;
  readonly tokenizerJson: unknown;
  readonly endToken: number;
  readonly padToken: number;
  readonly beginToken?: number;
  /** Of the stored weights. Defaults to float32. */
  readonly dtype?: 'float32' | 'bfloat16';
}): ModelFiles {
  const { config, parameters, dtype = 'float32' } = options;
  checkTensors(config, parameters, 'parameters');
  const text = (value: unknown) => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
  const json = {
    ...configJson(config),
    torch_dtype: dtype,
    ...(options.beginToken === undefined ? {} : { bos_token_id: options.beginToken }),
    eos_token_id: options.endToken,
    pad_token_id: options.padToken,
  };
  const stored = dtype === 'float32' ? float32Tensor : bfloat16Tensor;
  const tensors = new Map(
    parameterSpecs(config).map(({ name, shape }) => [
      name,
      stored(shape, canonicalCopy(tensorNamed(parameters, name), name)),
    ]),
  );
  return {
    'config.json': text(json),
    'model.safetensors': serializeSafetensors({ tensors, metadata: new Map([['format', 'pt']]) }),
    'tokenizer.json': text(options.tokenizerJson),
  };
}

function bfloat16Tensor(shape: readonly number[], values: Float32Array): StoredTensor {
  return { dtype: 'BF16', shape, data: new Uint8Array(toBfloat16(values).buffer) };
}
