/** Files of models that strangers publish: weights, configurations, adapters, checkpoints and blocks. */
import { isDeepStrictEqual } from 'node:util';
import { type BlockPlan, BlockPlanError, blockPlan } from '../../models/blocks/block-plan.ts';
import { BlockVersionError, blocksOf, decodeBlock, encodeBlock } from '../../models/blocks/block-version.ts';
import {
  float32Tensor,
  parseSafetensors,
  SafetensorsError,
  serializeSafetensors,
} from '../../models/checkpoint/safetensors.ts';
import { readSafetensorsHeader } from '../../models/checkpoint/safetensors-reader.ts';
import { CheckpointError, decodeCheckpoint, encodeCheckpoint } from '../../models/decoder/checkpoint.ts';
import {
  configJson,
  type DecoderConfig,
  ModelConfigError,
  NANO_CONFIG,
  parameterSpecs,
  parseConfig,
} from '../../models/decoder/config.ts';
import { initialParameters } from '../../models/decoder/initialize.ts';
import { loadModel, modelFiles } from '../../models/decoder/load.ts';
import {
  type AdapterCheckpoint,
  decodeAdapters,
  encodeAdapters,
  freshAdapterState,
} from '../../models/decoder/lora/adapter-state.ts';
import { initialAdapters, LoraError, type LoraOptions } from '../../models/decoder/lora/adapters.ts';
import { peftFiles, readPeft } from '../../models/decoder/lora/peft.ts';
import { freshState, ModelStateError } from '../../models/decoder/state.ts';
import { sentencePieceJson } from '../../models/tokenizer/testing/small-tokenizers.ts';
import { TokenizerError } from '../../models/tokenizer/tokenizer-error.ts';
import { RandomStream } from '../../protocol/philox.ts';
import { jsonMutator } from '../mutate/json.ts';
import { safetensorsMutator } from '../mutate/safetensors.ts';
import { assert, bytesOf, type FuzzTarget, jsonOf, refusedBy, refusedLater, sameBytes } from '../target.ts';

/** A model of a few hundred parameters, so that its files are small. */
export const SMALL: DecoderConfig = {
  ...NANO_CONFIG,
  ...{
    hiddenSize: 4,
    layers: 1,
    heads: 1,
    kvHeads: 1,
    headDim: 4,
    feedForward: 4,
    vocabulary: 8,
    context: 8,
  },
};
const LORA: LoraOptions = { rank: 1, alpha: 2, targets: ['q_proj'] };

export function smallParameters(config = SMALL): ReturnType<typeof initialParameters> {
  const stream = new RandomStream([1, 2]);
  return initialParameters({ config, draw: (...at) => stream.word(...at), deviation: 0.1 });
}

const safetensors: FuzzTarget = {
  name: 'models/safetensors',
  about: 'a safetensors file; what is taken reads the same in pieces, and again after it is written',
  mutator: safetensorsMutator(),
  maxBytes: 8000,
  shortInputs: 800,
  async open() {
    const tensors = new Map([
      ['a', float32Tensor([2, 2], Float32Array.of(1, 2, 3, 4))],
      ['b.é', { dtype: 'BF16' as const, shape: [3], data: new Uint8Array(6) }],
      ['empty', { dtype: 'I64' as const, shape: [0, 5], data: new Uint8Array() }],
    ]);
    return {
      seeds: [
        serializeSafetensors({ tensors, metadata: new Map([['format', 'pt']]) }),
        serializeSafetensors({ tensors: new Map(), metadata: new Map() }),
      ],
      attempt: (input) =>
        refusedLater(async () => {
          const file = parseSafetensors(input);
          const bytes = [...file.tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
          assert(bytes <= input.length, 'The tensors have more bytes than the file.');
          const again = parseSafetensors(serializeSafetensors(file));
          assert(isDeepStrictEqual(again.metadata, file.metadata), 'The metadata read back otherwise.');
          for (const [name, { dtype, shape, data }] of file.tensors) {
            const other = again.tensors.get(name);
            assert(
              other?.dtype === dtype && isDeepStrictEqual(other.shape, shape) && sameBytes(other.data, data),
              'A tensor reads back otherwise.',
            );
          }
          const read = async (offset: number, length: number) =>
            new Uint8Array(input.slice(offset, offset + length));
          const header = await readSafetensorsHeader({ size: input.length, read });
          assert(
            isDeepStrictEqual([...header.tensors.keys()], [...file.tensors.keys()]),
            'Read in pieces it differs.',
          );
        }, SafetensorsError),
    };
  },
};

const config: FuzzTarget = {
  name: 'models/config',
  about: 'config.json; what is taken has bounded parameters, and reads back the same',
  mutator: jsonMutator([
    'llama',
    'qwen2',
    'rope_scaling',
    'llama3',
    'linear',
    'rope_parameters',
    'head_dim',
    'yarn',
  ]),
  maxBytes: 8000,
  shortInputs: 1500,
  async open() {
    const scaling = {
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192,
    };
    const json = configJson(NANO_CONFIG);
    return {
      seeds: [
        json,
        {
          ...json,
          model_type: 'llama',
          architectures: ['LlamaForCausalLM'],
          rope_scaling: { rope_type: 'llama3', ...scaling },
        },
        {
          ...json,
          rope_parameters: { rope_theta: 5e5, rope_type: 'linear', factor: 2 },
          layer_types: ['full_attention'],
        },
      ].map((each) => bytesOf(JSON.stringify(each))),
      attempt(input) {
        const value = jsonOf(input);
        return refusedBy(() => {
          const read = parseConfig(value);
          assert(isDeepStrictEqual(parseConfig(configJson(read)), read), 'It reads back otherwise.');
          assert(parameterSpecs(read).length < 20_000, 'It has more parameters than any model.');
        }, ModelConfigError);
      },
    };
  },
};

const checkpoint: FuzzTarget = {
  name: 'models/checkpoint',
  about: 'a checkpoint of a device; what is taken has finite canonical values, and reads back the same',
  mutator: safetensorsMutator(['starling-checkpoint-1', 'optimizer.m.', 'config', 'cursor', 'rng']),
  maxBytes: 12_000,
  shortInputs: 300,
  async open() {
    const state = freshState(SMALL, smallParameters());
    const sample = { config: SMALL, state, cursor: 3, rngKey: '0x00010203' } as const;
    return {
      seeds: [encodeCheckpoint(sample), encodeCheckpoint({ ...sample, training: '{}' })],
      attempt: (input) =>
        refusedBy(
          () => {
            const read = decodeCheckpoint(input);
            assert(
              isDeepStrictEqual(decodeCheckpoint(encodeCheckpoint(read)), read),
              'It reads back otherwise.',
            );
          },
          SafetensorsError,
          ModelConfigError,
          CheckpointError,
        ),
    };
  },
};

const adapters: FuzzTarget = {
  name: 'models/adapters',
  about: 'an adapter checkpoint of a device; what is taken reads back the same',
  mutator: safetensorsMutator(['starling-adapter-1', 'rank', 'alpha', 'targets', 'v_proj', 'base']),
  maxBytes: 8000,
  shortInputs: 300,
  async open() {
    const stream = new RandomStream([3, 4]);
    const values = initialAdapters({ config: SMALL, lora: LORA, draw: (...at) => stream.word(...at) });
    const state = freshAdapterState(SMALL, LORA, values);
    const sample: AdapterCheckpoint = { config: SMALL, lora: LORA, base: `0x${'0b'.repeat(32)}`, state };
    return {
      seeds: [
        encodeAdapters(sample),
        encodeAdapters({ ...sample, learning: { cursor: 1, rngKey: '0x00010203', training: '{}' } }),
      ],
      attempt: (input) =>
        refusedBy(
          () => {
            const read = decodeAdapters(input);
            assert(isDeepStrictEqual(decodeAdapters(encodeAdapters(read)), read), 'It reads back otherwise.');
          },
          SafetensorsError,
          ModelConfigError,
          LoraError,
          ModelStateError,
        ),
    };
  },
};

/** Two files as one input: u32 little-endian length of the first, the first, the second. */
function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const length = new Uint8Array(new Uint32Array([first.length]).buffer);
  return Uint8Array.from([...length, ...first, ...second]);
}

function parted(input: Uint8Array): readonly [Uint8Array, Uint8Array] {
  if (input.length < 4) return [new Uint8Array(), new Uint8Array()];
  const length = new DataView(input.buffer, input.byteOffset, 4).getUint32(0, true);
  return [input.subarray(4, 4 + length), input.subarray(4 + length)];
}

const peft: FuzzTarget = {
  name: 'models/peft',
  about: 'an adapter in PEFT’s files; what is taken reads back the same',
  mutator: {
    mutate(options) {
      const [settings, weights] = parted(options.input);
      const [otherSettings, otherWeights] = parted(options.donor);
      const first = options.draws.chance(60)
        ? peftSettings.mutate({ ...options, input: settings, donor: otherSettings })
        : settings;
      const second =
        first === settings
          ? peftWeights.mutate({ ...options, input: weights, donor: otherWeights })
          : weights;
      const bytes = joined(first, second);
      return bytes.length > options.maxBytes ? options.input : bytes;
    },
  },
  maxBytes: 8000,
  shortInputs: 500,
  async open() {
    const stream = new RandomStream([3, 4]);
    const values = initialAdapters({ config: SMALL, lora: LORA, draw: (...at) => stream.word(...at) });
    const files = peftFiles({ config: SMALL, lora: LORA, adapters: values, base: 'a/b' });
    return {
      seeds: [joined(files['adapter_config.json'], files['adapter_model.safetensors'])],
      attempt(input) {
        const [settings, weights] = parted(input);
        return refusedBy(
          () => {
            const read = readPeft(SMALL, {
              'adapter_config.json': settings,
              'adapter_model.safetensors': weights,
            });
            const again = readPeft(SMALL, peftFiles({ config: SMALL, ...read, base: 'a/b' }));
            assert(isDeepStrictEqual(again, read), 'It reads back otherwise.');
          },
          SafetensorsError,
          LoraError,
          ModelStateError,
        );
      },
    };
  },
};
const peftSettings = jsonMutator([
  'r',
  'lora_alpha',
  'target_modules',
  'use_dora',
  'alora_invocation_tokens',
]);
const peftWeights = safetensorsMutator(['lora_A', 'lora_B']);

const block: FuzzTarget = {
  name: 'models/block-version',
  about: 'the file of a block’s version; what is taken is of the plan, and reads back the same',
  mutator: safetensorsMutator(['starling-block-1', 'layers.0-0', 'embedding', 'step', 'block']),
  maxBytes: 8000,
  shortInputs: 400,
  async open() {
    const plan: BlockPlan = blockPlan({ config: SMALL, layers: [1] });
    const versions = blocksOf(plan, freshState(SMALL, smallParameters()));
    return {
      seeds: versions.map((version) => encodeBlock(plan, version)),
      attempt: (input) =>
        refusedBy(
          () => {
            const read = decodeBlock(plan, input);
            assert(
              isDeepStrictEqual(decodeBlock(plan, encodeBlock(plan, read)), read),
              'It reads back otherwise.',
            );
          },
          SafetensorsError,
          BlockVersionError,
          BlockPlanError,
        ),
    };
  },
};

const model: FuzzTarget = {
  name: 'models/model-folder',
  about: 'config.json and weights of a published model, read as a whole',
  mutator: {
    mutate(options) {
      const [settings, weights] = parted(options.input);
      const isConfig = options.draws.chance(50);
      const first = isConfig
        ? folderConfig.mutate({ ...options, input: settings, donor: settings })
        : settings;
      const second = isConfig
        ? weights
        : folderWeights.mutate({ ...options, input: weights, donor: weights });
      const bytes = joined(first, second);
      return bytes.length > options.maxBytes ? options.input : bytes;
    },
  },
  maxBytes: 40_000,
  shortInputs: 100,
  async open() {
    const small = { ...SMALL, vocabulary: 300 };
    const tokenizerJson = sentencePieceJson();
    const files = modelFiles({
      ...{ config: small, parameters: smallParameters(small), tokenizerJson },
      ...{ endToken: 2, padToken: 0, dtype: 'bfloat16' },
    });
    const tokenizer = files['tokenizer.json'];
    return {
      seeds: [joined(files['config.json'], files['model.safetensors'])],
      attempt(input) {
        const [settings, weights] = parted(input);
        return refusedBy(
          () => {
            const read = loadModel({
              'config.json': settings,
              'model.safetensors': weights,
              'tokenizer.json': tokenizer,
            });
            for (const values of read.parameters.values())
              assert(values.every(Number.isFinite), 'A weight is not finite.');
          },
          SafetensorsError,
          ModelConfigError,
          ModelStateError,
          TokenizerError,
        );
      },
    };
  },
};
const folderConfig = jsonMutator(['eos_token_id', 'pad_token_id', 'vocab_size']);
const folderWeights = safetensorsMutator(['lm_head.weight', 'model.norm.weight']);

export const modelFileTargets: readonly FuzzTarget[] = [
  safetensors,
  config,
  checkpoint,
  adapters,
  peft,
  block,
  model,
];
