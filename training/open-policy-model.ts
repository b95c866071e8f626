/** Puts a checkpoint on an engine. */

import type { Engine } from '../compute/engines/engine.ts';
import { FrozenSession } from '../models/decoder/frozen-session.ts';
import { frozenRoot } from '../models/decoder/lora/frozen-root.ts';
import { ModelSession } from '../models/decoder/model-session.ts';
import type { WeightSource } from '../models/decoder/weights.ts';
import type { Hex } from '../protocol/hex.ts';
import type { AdaptersCheckpoint, LearningCheckpoint } from './learning-checkpoint.ts';
import { optimizerOf } from './learning-settings.ts';
import type { PolicyModel } from './policy-model.ts';

/** The frozen weights that adapters are trained beside. */
export interface BaseWeights {
  readonly weights: WeightSource;
  /** Their root, when the caller has computed it. Otherwise it is computed here. */
  readonly root?: Hex;
}

/** How a device runs a model. No bit of a result depends on it. */
export interface ModelMemory {
  /** Bytes for the caches and temporaries of rows that decode together. Defaults to 512 MiB. */
  readonly generationMemory?: number;
  /** Computes layers again in the backward pass of adapters: less memory for more work. Defaults to false. */
  readonly recompute?: boolean;
}

export interface OpenPolicyOptions extends ModelMemory {
  readonly engine: Engine;
  readonly checkpoint: LearningCheckpoint;
  /** Needed for adapters. */
  readonly base?: BaseWeights;
  readonly signal?: AbortSignal;
}

/** A checkpoint of adapters lacks its base model, or was given another one. */
export class BaseModelError extends Error {
  override readonly name = 'BaseModelError';
}

/** Most positions of adapters' sequences, so that rotary tables of long contexts take no memory. */
const MAX_POSITIONS = 8192;

/**
 * A model that holds a checkpoint's weights and optimizer state. Throws BaseModelError, EngineMemoryError,
 * and what reading the base's weights throws. After an error nothing stays on the engine.
 */
export async function openPolicyModel(options: OpenPolicyOptions): Promise<PolicyModel> {
  const { engine, checkpoint, generationMemory } = options;
  if (checkpoint.kind === 'adapters') return openAdapters(options, checkpoint);
  const { config, state, settings } = checkpoint;
  const session = await ModelSession.create({
    engine,
    config,
    parameters: state.parameters,
    optimizer: optimizerOf(settings),
    generationMemory,
  });
  return restored(session, () => session.restore(state));
}

async function openAdapters(
  options: OpenPolicyOptions,
  checkpoint: AdaptersCheckpoint,
): Promise<PolicyModel> {
  const { engine, base, generationMemory, recompute, signal } = options;
  const { config, lora, state, settings } = checkpoint;
  if (base === undefined) {
    throw new BaseModelError(
      `The checkpoint has adapters beside a model with root ${checkpoint.base}: give that model as well.`,
    );
  }
  const session = await FrozenSession.create({
    engine,
    config,
    weights: base.weights,
    lora: { ...lora, adapters: state.adapters },
    optimizer: optimizerOf(settings),
    positions: Math.min(config.context, MAX_POSITIONS),
    generationMemory,
    recompute,
    signal,
  });
  return restored(session, async () => {
    const root =
      base.root ?? (await frozenRoot(config, base.weights, { known: await session.matrixRoots(), signal }));
    if (root !== checkpoint.base) {
      throw new BaseModelError(
        `The adapters belong to a model with root ${checkpoint.base}, and this one has ${root}: use that model.`,
      );
    }
    await session.restore(state);
  });
}

async function restored<T extends PolicyModel>(session: T, restore: () => Promise<void>): Promise<T> {
  try {
    await restore();
    return session;
  } catch (error) {
    await session.dispose();
    throw error;
  }
}
