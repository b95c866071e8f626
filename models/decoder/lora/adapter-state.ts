/** The state of adapter training, and its checkpoint file. */

import { elementCount } from '../../../compute/repops/program.ts';
import type { Hex } from '../../../protocol/hex.ts';
import { checkpointRoot } from '../../checkpoint/root.ts';
import {
  float32Tensor,
  parseSafetensors,
  type SafetensorsFile,
  type StoredTensor,
  serializeSafetensors,
  toFloat32,
} from '../../checkpoint/safetensors.ts';
import { configJson, type DecoderConfig, parseConfig } from '../config.ts';
import { canonicalCopy, ModelStateError, type NamedTensors, tensorNamed } from '../state.ts';
import { adapterSpecs, checkLora, type LoraOptions, PROJECTIONS } from './adapters.ts';

export interface AdapterState {
  /** Under PEFT's names. */
  readonly adapters: NamedTensors;
  readonly m: NamedTensors;
  readonly v: NamedTensors;
  /** Optimizer steps taken. */
  readonly step: number;
}

/** Fresh moments for `adapters`, at step 0. */
export function freshAdapterState(
  config: DecoderConfig,
  lora: LoraOptions,
  adapters: NamedTensors,
): AdapterState {
  const zeros = () =>
    new Map(
      adapterSpecs(config, lora).map(({ name, shape }) => [name, new Float32Array(elementCount(shape))]),
    );
  return { adapters, m: zeros(), v: zeros(), step: 0 };
}

/** Throws ModelStateError unless `tensors` are exactly the adapters of this model. */
export function checkAdapters(
  config: DecoderConfig,
  lora: LoraOptions,
  tensors: NamedTensors,
  what: string,
): void {
  const specs = adapterSpecs(config, lora);
  for (const { name, shape } of specs) {
    if (tensors.get(name)?.length !== elementCount(shape)) {
      throw new ModelStateError(`${what}: ${name} must have shape [${shape}]; the file is for another model`);
    }
  }
  if (tensors.size !== specs.length) {
    const known = new Set(specs.map(({ name }) => name));
    const extra = [...tensors.keys()].find((name) => !known.has(name));
    throw new ModelStateError(`${what}: ${extra?.slice(0, 100)} is no adapter of this model`);
  }
}

export const ADAPTER_FORMAT = 'starling-adapter-1';
const METADATA = ['format', 'step', 'base', 'config', 'lora'] as const;
/** Only in the checkpoints of rounds, and then all of them. */
const LEARNING_METADATA = ['cursor', 'rng', 'training'] as const;

/** What a swarm's rounds need besides the adapters. */
export interface AdapterLearning {
  /** The next round to train. */
  readonly cursor: number;
  /** Key of the counter-based generator, 4 to 64 bytes. */
  readonly rngKey: Hex;
  /** Learning settings as JSON of at most 65,536 characters. This file does not interpret them. */
  readonly training: string;
}

const TRAINING_LIMIT = 65_536;

export interface AdapterCheckpoint {
  readonly config: DecoderConfig;
  readonly lora: LoraOptions;
  /** Root of the frozen weights (`frozenRoot`). */
  readonly base: Hex;
  readonly state: AdapterState;
  /** Absent for adapters that no swarm trains. */
  readonly learning?: AdapterLearning;
}

/** The tensors and metadata of an adapter checkpoint, to which its root commits. */
export function adapterContents(checkpoint: AdapterCheckpoint): SafetensorsFile {
  const { config, lora, state } = checkpoint;
  const tensors = new Map<string, StoredTensor>();
  const groups = [
    ['', state.adapters],
    ['optimizer.m.', state.m],
    ['optimizer.v.', state.v],
  ] as const;
  for (const [prefix, values] of groups) {
    checkAdapters(config, lora, values, `${prefix}adapters`);
    for (const { name, shape } of adapterSpecs(config, lora)) {
      tensors.set(
        prefix + name,
        float32Tensor(shape, canonicalCopy(tensorNamed(values, name), prefix + name)),
      );
    }
  }
  return { tensors, metadata: adapterMetadata(checkpoint, state.step) };
}

/** An adapter checkpoint's `__metadata__` after `step` optimizer steps. It does not depend on the tensors. */
export function adapterMetadata(
  checkpoint: Omit<AdapterCheckpoint, 'state'>,
  step: number,
): ReadonlyMap<string, string> {
  const { config, lora, learning } = checkpoint;
  const { rank, alpha, targets } = lora;
  const metadata = new Map<string, string>([
    ['format', ADAPTER_FORMAT],
    ['step', String(step)],
    ['base', checkpoint.base],
    ['config', JSON.stringify(configJson(config))],
    ['lora', JSON.stringify({ rank, alpha, targets })],
  ]);
  if (learning !== undefined) {
    metadata.set('cursor', String(learning.cursor));
    metadata.set('rng', learning.rngKey);
    metadata.set('training', learning.training);
  }
  return metadata;
}

/**
 * The Merkle root of an adapter checkpoint (docs/checkpoint.md). It commits to adapters, moments, step,
 * settings and the frozen weights' root.
 */
export function adapterRoot(checkpoint: AdapterCheckpoint): Hex {
  return checkpointRoot(adapterContents(checkpoint));
}

/** The checkpoint's file. Equal checkpoints give equal bytes. */
export function encodeAdapters(checkpoint: AdapterCheckpoint): Uint8Array {
  return serializeSafetensors(adapterContents(checkpoint));
}

/**
 * Reads what `encodeAdapters` wrote. Throws SafetensorsError, ModelConfigError, LoraError or ModelStateError.
 */
export function decodeAdapters(file: Uint8Array): AdapterCheckpoint {
  const { tensors, metadata } = parseSafetensors(file);
  const fail = (problem: string): never => {
    throw new ModelStateError(`Not a usable adapter checkpoint: ${problem}. Use the last good one instead.`);
  };
  const field = (name: string): string => metadata.get(name) ?? fail(`metadata ${name} is missing`);
  if (field('format') !== ADAPTER_FORMAT) fail(`its format is not ${ADAPTER_FORMAT}`);
  const learns = LEARNING_METADATA.some((name) => metadata.has(name));
  const names = [...METADATA, ...(learns ? LEARNING_METADATA : [])];
  for (const name of names) field(name);
  if (metadata.size !== names.length) fail('it has unknown metadata');
  const base = field('base');
  const step = field('step');
  if (!isRoot(base)) return fail('its base is no root');
  if (!isWhole(step)) fail('its step is no whole number');
  const config = parseConfig(parseJson(field('config'), fail));
  const lora = parseLora(parseJson(field('lora'), fail), fail);
  const group = (prefix: string): NamedTensors =>
    new Map(
      adapterSpecs(config, lora).map(({ name, shape }) => {
        const tensor = tensors.get(prefix + name);
        if (tensor?.dtype !== 'F32' || String(tensor.shape) !== String(shape)) {
          return fail(`${prefix}${name} is not F32 [${shape}]`);
        }
        return [name, canonicalCopy(toFloat32(tensor, name), prefix + name)];
      }),
    );
  const state = {
    adapters: group(''),
    m: group('optimizer.m.'),
    v: group('optimizer.v.'),
    step: Number(step),
  };
  if (tensors.size !== 3 * state.adapters.size) fail('it has unknown tensors');
  if (!learns) return { config, lora, base, state };
  const [cursor, rngKey, training] = LEARNING_METADATA.map(field);
  if (cursor === undefined || !isWhole(cursor)) return fail('its cursor is no whole number');
  if (rngKey === undefined || !isKey(rngKey)) return fail('its rng key is not 4 to 64 bytes of 0x hex');
  if (training === undefined || training.length > TRAINING_LIMIT) {
    return fail('its training settings are too long');
  }
  return { config, lora, base, state, learning: { cursor: Number(cursor), rngKey, training } };
}

function isWhole(text: string): boolean {
  return /^(?:0|[1-9][0-9]{0,14})$/.test(text);
}

function isKey(value: string): value is Hex {
  return /^0x(?:[0-9a-f]{2}){4,64}$/.test(value);
}

function isRoot(value: string): value is Hex {
  return /^0x[0-9a-f]{64}$/.test(value);
}

function parseJson(text: string, fail: (problem: string) => never): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return fail('its metadata is not JSON');
  }
}

function parseLora(value: unknown, fail: (problem: string) => never): LoraOptions {
  if (typeof value !== 'object' || value === null) return fail('its adapter settings are no object');
  const { rank, alpha, targets } = value as Record<string, unknown>;
  const names: readonly unknown[] = Array.isArray(targets) ? targets : [];
  if (typeof rank !== 'number' || typeof alpha !== 'number') return fail('its rank or alpha is no number');
  const known = PROJECTIONS.filter((projection) => names.includes(projection));
  if (known.length !== names.length) return fail('its targets are not known');
  const lora = { rank, alpha, targets: known };
  checkLora(lora);
  return lora;
}
