/** A checkpoint with its learning settings: all that a round needs besides what peers published. */

import type { SafetensorsFile } from '../models/checkpoint/safetensors.ts';
import {
  type Checkpoint,
  checkpointContents,
  decodeCheckpoint,
  encodeCheckpoint,
} from '../models/decoder/checkpoint.ts';
import type { DecoderConfig } from '../models/decoder/config.ts';
import { freshState, ModelStateError, type NamedTensors } from '../models/decoder/state.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import {
  type LearningSettings,
  LearningSettingsError,
  parseSettings,
  settingsText,
} from './learning-settings.ts';
import type { PolicyState } from './policy-model.ts';

export interface LearningCheckpoint extends Checkpoint {
  readonly settings: LearningSettings;
}

/** The pretrained weights with a fresh optimizer, for a device that has never trained. */
export function firstCheckpoint(options: {
  readonly config: DecoderConfig;
  readonly parameters: NamedTensors;
  readonly device: DeviceAddress;
  readonly settings: LearningSettings;
}): LearningCheckpoint {
  const { config, parameters, device, settings } = options;
  return {
    config,
    settings,
    state: freshState(config, parameters),
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
  if (!('parameters' in state)) {
    throw new ModelStateError(
      'A checkpoint of all weights got adapters: use the session that it was made for.',
    );
  }
  return { ...checkpoint, state, cursor };
}

/**
 * Reads a checkpoint file with learning settings. Throws LearningSettingsError when they are missing or out
 * of bounds, and what `decodeCheckpoint` throws.
 */
export function readCheckpoint(file: Uint8Array): LearningCheckpoint {
  const checkpoint = decodeCheckpoint(file);
  return { ...checkpoint, settings: parseSettings(settingsJson(checkpoint)) };
}

function settingsJson({ training }: Checkpoint): unknown {
  try {
    if (training !== undefined) return JSON.parse(training);
  } catch {
    // Text that is not JSON is reported below, like no text at all.
  }
  throw new LearningSettingsError('The checkpoint has no learning settings: use one that a trainer wrote.');
}

/** The checkpoint's file; `readCheckpoint` gives it back. */
export function writeCheckpoint(checkpoint: LearningCheckpoint): Uint8Array {
  return encodeCheckpoint({ ...checkpoint, training: settingsText(checkpoint.settings) });
}

/** The file's contents, for `checkpointRoot`. */
export function learningContents(checkpoint: LearningCheckpoint): SafetensorsFile {
  return checkpointContents({ ...checkpoint, training: settingsText(checkpoint.settings) });
}
