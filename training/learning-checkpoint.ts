/** A checkpoint with its learning settings: all that a round needs besides what peers published. */

import {
  parseSafetensors,
  type SafetensorsFile,
  serializeSafetensors,
} from '../models/checkpoint/safetensors.ts';
import { type Checkpoint, checkpointContents, decodeCheckpoint } from '../models/decoder/checkpoint.ts';
import type { DecoderConfig } from '../models/decoder/config.ts';
import type { DrawWord } from '../models/decoder/initialize.ts';
import {
  ADAPTER_FORMAT,
  type AdapterState,
  adapterContents,
  decodeAdapters,
  freshAdapterState,
} from '../models/decoder/lora/adapter-state.ts';
import { initialAdapters, type LoraOptions } from '../models/decoder/lora/adapters.ts';
import { freshState, ModelStateError, type NamedTensors } from '../models/decoder/state.ts';
import type { DeviceAddress, Hex } from '../protocol/hex.ts';
import { RandomStream } from '../protocol/philox.ts';
import {
  type LearningSettings,
  LearningSettingsError,
  parseSettings,
  settingsText,
} from './learning-settings.ts';
import type { PolicyState } from './policy-model.ts';

/** All weights, in training. */
export interface FullCheckpoint extends Omit<Checkpoint, 'training'> {
  readonly kind: 'full';
  readonly settings: LearningSettings;
}

/** Adapters in training, beside the frozen weights with the root `base`. */
export interface AdaptersCheckpoint {
  readonly kind: 'adapters';
  readonly config: DecoderConfig;
  readonly lora: LoraOptions;
  /** Root of the frozen weights (`frozenRoot`). */
  readonly base: Hex;
  readonly state: AdapterState;
  /** The next round to train. */
  readonly cursor: number;
  /** The device that the checkpoint belongs to. */
  readonly rngKey: Hex;
  readonly settings: LearningSettings;
}

export type LearningCheckpoint = FullCheckpoint | AdaptersCheckpoint;

/** The pretrained weights with a fresh optimizer, for a device that has never trained. */
export function firstCheckpoint(options: {
  readonly config: DecoderConfig;
  readonly parameters: NamedTensors;
  readonly device: DeviceAddress;
  readonly settings: LearningSettings;
}): FullCheckpoint {
  const { config, parameters, device, settings } = options;
  return {
    kind: 'full',
    config,
    settings,
    state: freshState(config, parameters),
    cursor: 0,
    rngKey: device.toLowerCase() as DeviceAddress,
  };
}

/** What the fresh adapters beside a base model are drawn from. `base` is the root of its frozen weights. */
export function adapterDraws(base: Hex): DrawWord {
  const seed = new TextEncoder().encode(base).slice(0, 64);
  const stream = RandomStream.named({ seed, round: 0, device: '', purpose: 'initialisation' });
  return (tensor, element, part) => stream.word(tensor, element, part);
}

/**
 * Fresh adapters beside a base model, for a device that has never trained. They follow from the base, so that
 * all members of a swarm start from the same ones. Throws LoraError.
 */
export function firstAdapters(options: {
  readonly config: DecoderConfig;
  readonly lora: LoraOptions;
  readonly base: Hex;
  readonly device: DeviceAddress;
  readonly settings: LearningSettings;
}): AdaptersCheckpoint {
  const { config, lora, base, device, settings } = options;
  const adapters = initialAdapters({ config, lora, draw: adapterDraws(base) });
  return {
    kind: 'adapters',
    config,
    lora,
    base,
    settings,
    state: freshAdapterState(config, lora, adapters),
    cursor: 0,
    rngKey: device.toLowerCase() as DeviceAddress,
  };
}

/**
 * The checkpoint with another state and cursor. Throws ModelStateError for a state of another kind of
 * training.
 */
export function withState(
  checkpoint: LearningCheckpoint,
  state: PolicyState,
  cursor: number,
): LearningCheckpoint {
  if (checkpoint.kind === 'full' && 'parameters' in state) return { ...checkpoint, state, cursor };
  if (checkpoint.kind === 'adapters' && 'adapters' in state) return { ...checkpoint, state, cursor };
  throw new ModelStateError(
    `The state is not one of a checkpoint of kind ${checkpoint.kind}: use the session that it was made for.`,
  );
}

/**
 * Reads a checkpoint file with learning settings, of all weights or of adapters. Throws LearningSettingsError
 * when they are missing or out of bounds, and what `decodeCheckpoint` and `decodeAdapters` throw.
 */
export function readCheckpoint(file: Uint8Array): LearningCheckpoint {
  if (parseSafetensors(file).metadata.get('format') !== ADAPTER_FORMAT) {
    const { training, ...rest } = decodeCheckpoint(file);
    return { kind: 'full', ...rest, settings: settingsOf(training) };
  }
  const { learning, ...rest } = decodeAdapters(file);
  const settings = settingsOf(learning?.training);
  const { cursor = 0, rngKey = '0x' } = learning ?? {};
  return { kind: 'adapters', ...rest, cursor, rngKey, settings };
}

function settingsOf(training: string | undefined): LearningSettings {
  let json: unknown;
  try {
    if (training !== undefined) json = JSON.parse(training);
  } catch {
    // Text that is not JSON is reported below, like no text at all.
  }
  if (json === undefined) {
    throw new LearningSettingsError('The checkpoint has no learning settings: use one that a trainer wrote.');
  }
  return parseSettings(json);
}

/** The checkpoint's file; `readCheckpoint` gives it back. */
export function writeCheckpoint(checkpoint: LearningCheckpoint): Uint8Array {
  return serializeSafetensors(learningContents(checkpoint));
}

/** The file's contents, for `checkpointRoot`. They bind a base model by its root. */
export function learningContents(checkpoint: LearningCheckpoint): SafetensorsFile {
  const training = settingsText(checkpoint.settings);
  if (checkpoint.kind === 'full') return checkpointContents({ ...checkpoint, training });
  const { cursor, rngKey } = checkpoint;
  return adapterContents({ ...checkpoint, learning: { cursor, rngKey, training } });
}
