/**
 * A tiny model's files for tests, in one safetensors file or in shards, in any of the dtypes that are read.
 */

import { philox4x32 } from '../../../protocol/philox.ts';
import { type StoredTensor, serializeSafetensors } from '../../checkpoint/safetensors.ts';
import { configJson, type DecoderConfig, parameterSpecs } from '../../decoder/config.ts';
import { initialParameters } from '../../decoder/initialize.ts';
import { toBfloat16 } from '../../decoder/weights.ts';
import { characterTokenizerJson, END_TOKEN, PAD_TOKEN } from '../../tokenizer/character-vocabulary.ts';
import { INDEX_FILE, SINGLE_FILE } from '../weights-index.ts';

export const TINY: DecoderConfig = {
  hiddenSize: 16,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 4,
  feedForward: 24,
  vocabulary: 64,
  context: 64,
  ropeTheta: 10000,
  normEpsilon: 1e-6,
  tiedEmbedding: true,
};

export function tinyParameters(config: DecoderConfig = TINY): Map<string, Float32Array> {
  const draw = (tensor: number, element: number, part: number) =>
    philox4x32([tensor, element, part, 0], [1, 2])[0];
  return initialParameters({ config, draw, deviation: 0.3 });
}

/** The IEEE half nearest to a value in its normal range, by truncation: good enough to make a file. */
function halfOf(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0;
  const exponent = ((bits >>> 23) & 0xff) - 112;
  if (exponent <= 0) return 0;
  return ((bits >>> 16) & 0x8000) | (exponent << 10) | ((bits >>> 13) & 0x3ff);
}

export function storedTensor(
  dtype: 'F32' | 'BF16' | 'F16',
  shape: readonly number[],
  values: Float32Array,
): StoredTensor {
  const words =
    dtype === 'F32' ? values : dtype === 'BF16' ? toBfloat16(values) : Uint16Array.from(values, halfOf);
  return { dtype, shape, data: new Uint8Array(words.buffer, words.byteOffset, words.byteLength) };
}

export function tinyFiles(
  options: {
    readonly config?: DecoderConfig;
    readonly dtype?: 'F32' | 'BF16' | 'F16';
    readonly shards?: number;
    readonly edit?: (tensors: Map<string, StoredTensor>) => void;
    readonly fields?: Readonly<Record<string, unknown>>;
  } = {},
): Record<string, Uint8Array> {
  const { config = TINY, dtype = 'BF16', shards = 1 } = options;
  const parameters = tinyParameters(config);
  const tensors = new Map(
    parameterSpecs(config).map(({ name, shape }) => [
      name,
      storedTensor(dtype, shape, parameters.get(name) ?? new Float32Array()),
    ]),
  );
  options.edit?.(tensors);
  const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const files: Record<string, Uint8Array> = {
    'config.json': text({
      ...configJson(config),
      eos_token_id: END_TOKEN,
      pad_token_id: PAD_TOKEN,
      ...options.fields,
    }),
    'tokenizer.json': text(characterTokenizerJson()),
  };
  const metadata = new Map([['format', 'pt']]);
  if (shards === 1) return { ...files, [SINGLE_FILE]: serializeSafetensors({ tensors, metadata }) };
  const map: Record<string, string> = {};
  for (let shard = 0; shard < shards; shard++) {
    const name = `model-${String(shard + 1).padStart(5, '0')}-of-${String(shards).padStart(5, '0')}.safetensors`;
    const part = new Map([...tensors].filter((_, i) => i % shards === shard));
    for (const tensor of part.keys()) map[tensor] = name;
    files[name] = serializeSafetensors({ tensors: part, metadata });
  }
  const total = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
  files[INDEX_FILE] = text({ metadata: { total_size: total }, weight_map: map });
  return files;
}
