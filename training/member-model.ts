/** What a device starts from in a swarm: a model's files, how it is asked, and its first checkpoint. */

import { type DecoderConfig, parameterSpecs } from '../models/decoder/config.ts';
import { frozenRoot } from '../models/decoder/lora/frozen-root.ts';
import type { ModelSource } from '../models/loading/model-source.ts';
import { openDescription } from '../models/loading/open-model.ts';
import { openWeights, type WeightFiles } from '../models/loading/weight-files.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import { memoizePromise } from '../protocol/memoize-promise.ts';
import type { TrainedPart } from '../protocol/swarm-spec.ts';
import { firstAdapters, firstCheckpoint, type LearningCheckpoint } from './learning-checkpoint.ts';
import type { LearningSettings } from './learning-settings.ts';
import { loraOf } from './lora-of.ts';
import { modelFormat } from './model-format.ts';
import type { BaseWeights } from './open-policy-model.ts';
import type { PromptFormat } from './prompt-format.ts';

export interface MemberModelOptions {
  /** A folder, an address, or picked or stored files. */
  readonly source: ModelSource;
  /** Defaults to all weights. */
  readonly trained?: TrainedPart;
  readonly signal?: AbortSignal;
}

/** A model's part of `TrainerOptions`. It reads weights only when they are needed. */
export interface MemberModel {
  /** The model's shape. */
  readonly config: DecoderConfig;
  /** How the model is asked. Throws TokenizerError for a model that cannot be. */
  format(settings: Pick<LearningSettings, 'answerTokens' | 'critiqueTokens'>): PromptFormat;
  /** The weights that adapters are trained beside. Undefined when all weights are trained. */
  base(): Promise<BaseWeights | undefined>;
  /** The checkpoint of a device that has never trained. */
  first(device: DeviceAddress, settings: LearningSettings): Promise<LearningCheckpoint>;
}

/**
 * Reads a model's small files. Throws ModelLoadError, ModelConfigError or TokenizerError for a bad model, and
 * LoraError for adapters that do not exist. The weights are read later, and throw what their source throws.
 */
export async function openMemberModel(options: MemberModelOptions): Promise<MemberModel> {
  const { source, trained = { kind: 'full' }, signal } = options;
  const { config, tokenizer, generation } = await openDescription(source, signal);
  const lora = trained.kind === 'adapters' ? loraOf(trained) : undefined;
  const weights = memoizePromise((): Promise<WeightFiles> => openWeights(source, config, { signal }));
  const frozen = memoizePromise(async (): Promise<BaseWeights & Required<Pick<BaseWeights, 'root'>>> => {
    const opened = await weights();
    return { weights: opened, root: await frozenRoot(config, opened, { signal }) };
  });
  return {
    config,
    format: (settings) => modelFormat({ tokenizer, endTokens: generation.endTokens, settings }),
    base: async () => (lora === undefined ? undefined : frozen()),
    async first(device, settings) {
      if (lora !== undefined) {
        const { root } = await frozen();
        return firstAdapters({ config, lora, base: root, device, settings });
      }
      const opened = await weights();
      const parameters = new Map<string, Float32Array>();
      for (const { name } of parameterSpecs(config)) parameters.set(name, await opened.float32(name, signal));
      return firstCheckpoint({ config, parameters, device, settings });
    },
  };
}
