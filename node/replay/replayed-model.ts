/** The model of a replay: what its device began with, and how it is asked. */
import { loadModel } from '../../models/decoder/load.ts';
import { frozenRoot } from '../../models/decoder/lora/frozen-root.ts';
import type { ModelSource } from '../../models/loading/model-source.ts';
import { openModel } from '../../models/loading/open-model.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import {
  type AdaptersCheckpoint,
  firstAdapters,
  firstCheckpoint,
  type LearningCheckpoint,
} from '../../training/learning-checkpoint.ts';
import type { LearningSettings } from '../../training/learning-settings.ts';
import { modelFormat } from '../../training/model-format.ts';
import type { BaseWeights } from '../../training/open-policy-model.ts';
import type { PromptFormat } from '../../training/prompt-format.ts';
import { taughtFormat } from '../../training/taught-format.ts';
import { fetchModelFiles, type PublishedModel } from '../../workers/published-model.ts';

export interface ReplayedModel {
  formatOf(settings: LearningSettings): PromptFormat;
  /** The checkpoint of a device that has never trained. */
  first(device: DeviceAddress, settings: LearningSettings): LearningCheckpoint;
  /** The frozen weights of a swarm that trains adapters. */
  readonly base?: BaseWeights;
}

/** A model whose weights are all in training. Throws what fetching and reading it throws. */
export async function fullModel(model: PublishedModel, signal?: AbortSignal): Promise<ReplayedModel> {
  const { config, parameters, tokenizer } = loadModel(await fetchModelFiles(model, signal));
  const format = taughtFormat(tokenizer);
  return {
    formatOf: () => format,
    first: (device, settings) => firstCheckpoint({ config, parameters, device, settings }),
  };
}

/**
 * The model that a checkpoint's adapters are trained beside. Its root is computed here: what the checkpoint
 * says of its base is a claim. Throws what `openModel` throws.
 */
export async function adaptedModel(
  source: ModelSource,
  { lora }: AdaptersCheckpoint,
  signal?: AbortSignal,
): Promise<ReplayedModel> {
  const { config, weights, tokenizer, generation } = await openModel(source, { signal });
  const root = await frozenRoot(config, weights, { signal });
  return {
    formatOf: (settings) => modelFormat({ tokenizer, endTokens: generation.endTokens, settings }),
    first: (device, settings) => firstAdapters({ config, lora, base: root, device, settings }),
    base: { weights, root },
  };
}
