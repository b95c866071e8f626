/**
 * Checkpoint files (docs/checkpoint.md): one safetensors file with the parameters under their Hugging Face
 * names, `optimizer.m.<name>` and `optimizer.v.<name>`. `__metadata__` has format, step, cursor, rng, config
 * and optionally training.
 */

import { findNotCanonical } from '../../compute/repops/arithmetic.ts';
import type { Hex } from '../../protocol/hex.ts';
import {
  float32Tensor,
  parseSafetensors,
  type SafetensorsFile,
  type StoredTensor,
  serializeSafetensors,
  toFloat32,
} from '../checkpoint/safetensors.ts';
import { configJson, type DecoderConfig, parameterSpecs, parseConfig } from './config.ts';
import type { ModelState, NamedTensors } from './state.ts';

const CHECKPOINT_FORMAT = 'starling-checkpoint-1';
const REQUIRED_METADATA = ['format', 'step', 'cursor', 'rng', 'config'] as const;

export interface Checkpoint {
  readonly config: DecoderConfig;
  readonly state: ModelState;
  /** The next round to train. */
  readonly cursor: number;
  /** Key of the counter-based generator, 4 to 64 bytes. */
  readonly rngKey: Hex;
  /** Learning settings as JSON of at most 65,536 characters. This file does not interpret them. */
  readonly training?: string;
}

const TRAINING_LIMIT = 65_536;

export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';
}

function fail(problem: string): never {
  throw new CheckpointError(`Not a usable checkpoint: ${problem}. Use the last good checkpoint instead.`);
}

/** The tensors and metadata that `encodeCheckpoint` writes and `checkpointRoot` commits to. */
export function checkpointContents(checkpoint: Checkpoint): SafetensorsFile {
  const { config, state } = checkpoint;
  const tensors = new Map<string, StoredTensor>();
  const put = (prefix: string, values: NamedTensors) => {
    for (const { name, shape } of parameterSpecs(config)) {
      const data = values.get(name);
      if (data === undefined) fail(`${prefix}${name} is missing`);
      tensors.set(prefix + name, float32Tensor(shape, data));
    }
  };
  put('', state.parameters);
  put('optimizer.m.', state.m);
  put('optimizer.v.', state.v);
  return { tensors, metadata: checkpointMetadata(checkpoint, state.step) };
}

/** A checkpoint's `__metadata__` after `step` optimizer steps. It does not depend on the tensors. */
export function checkpointMetadata(
  checkpoint: Omit<Checkpoint, 'state'>,
  step: number,
): ReadonlyMap<string, string> {
  const { config, cursor, rngKey, training } = checkpoint;
  const metadata = new Map([
    ['format', CHECKPOINT_FORMAT],
    ['step', String(step)],
    ['cursor', String(cursor)],
    ['rng', rngKey],
    ['config', JSON.stringify(configJson(config))],
  ]);
  if (training !== undefined) metadata.set('training', training);
  return metadata;
}

/** The checkpoint's file. Equal checkpoints give equal bytes. */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  return serializeSafetensors(checkpointContents(checkpoint));
}

/**
 * Reads a checkpoint file. Throws SafetensorsError for a bad file, ModelConfigError for a bad configuration,
 * and CheckpointError for a missing, misshapen or unknown tensor, a value that is not canonical f32, or bad
 * metadata.
 */
export function decodeCheckpoint(file: Uint8Array): Checkpoint {
  const { tensors, metadata } = parseSafetensors(file);
  const field = (name: string): string => metadata.get(name) ?? fail(`metadata ${name} is missing`);
  if (field('format') !== CHECKPOINT_FORMAT) fail(`its format is not ${CHECKPOINT_FORMAT}`);
  const training = metadata.get('training');
  if (training !== undefined && training.length > TRAINING_LIMIT) fail('its training settings are too long');
  for (const name of REQUIRED_METADATA) field(name);
  const expected = REQUIRED_METADATA.length + (training === undefined ? 0 : 1);
  if (metadata.size !== expected) fail('it has unknown metadata');
  const rngKey = field('rng');
  if (!isKey(rngKey)) fail('its rng key is not 4 to 64 bytes of 0x hex');
  let json: unknown;
  try {
    json = JSON.parse(field('config'));
  } catch {
    fail('its config is not JSON');
  }
  const config = parseConfig(json);
  const specs = parameterSpecs(config);
  if (tensors.size !== specs.length * 3) {
    fail(`it has ${tensors.size} tensors, its config makes ${specs.length * 3}`);
  }
  const read = (prefix: string): NamedTensors =>
    new Map(
      specs.map(({ name, shape }) => [
        name,
        canonicalTensor(tensors.get(prefix + name), prefix + name, shape),
      ]),
    );
  return {
    config,
    state: {
      parameters: read(''),
      m: read('optimizer.m.'),
      v: read('optimizer.v.'),
      step: whole(field('step'), 'step'),
    },
    cursor: whole(field('cursor'), 'cursor'),
    rngKey,
    training,
  };
}

function isKey(value: string): value is Hex {
  return /^0x(?:[0-9a-f]{2}){4,64}$/.test(value);
}

function whole(text: string, what: string): number {
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(text) || !Number.isSafeInteger(Number(text))) {
    fail(`${what} is not a whole number`);
  }
  return Number(text);
}

function canonicalTensor(
  tensor: StoredTensor | undefined,
  name: string,
  shape: readonly number[],
): Float32Array {
  if (tensor === undefined) fail(`${name} is missing`);
  if (tensor.dtype !== 'F32') fail(`${name} is ${tensor.dtype}, not F32`);
  if (tensor.shape.length !== shape.length || tensor.shape.some((size, i) => size !== shape[i])) {
    fail(`${name} has shape [${tensor.shape}], its config makes [${shape}]`);
  }
  const values = toFloat32(tensor, name);
  const bad = findNotCanonical(new Uint32Array(values.buffer));
  if (bad >= 0) fail(`${name} is not canonical at element ${bad}`);
  return values;
}
