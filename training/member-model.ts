/** What a device starts from in a swarm: an opened model, how it is asked, and its first checkpoint. */

import { parameterSpecs } from '../models/decoder/config.ts';
import { checkLora, type LoraOptions } from '../models/decoder/lora/adapters.ts';
import { frozenRoot } from '../models/decoder/lora/frozen-root.ts';
import type { OpenedModel } from '../models/loading/open-model.ts';
import type { DeviceAddress, Hex } from '../protocol/hex.ts';
import type { TrainedPart } from '../protocol/swarm-spec.ts';
import { chatFormat } from './chat-format.ts';
import { firstAdapters, firstCheckpoint, type LearningCheckpoint } from './learning-checkpoint.ts';
import type { LearningSettings } from './learning-settings.ts';
import type { BaseWeights } from './open-policy-model.ts';
import type { PromptFormat } from './prompt-format.ts';
import { taughtFormat } from './taught-format.ts';

/** Whatever folder, address or file store the model was opened from. */
export type ModelToTrain = Pick<OpenedModel, 'config' | 'tokenizer' | 'weights'> & {
  readonly generation: Pick<OpenedModel['generation'], 'endTokens'>;
};

export interface MemberModelOptions {
  readonly model: ModelToTrain;
  readonly trained: TrainedPart;
  readonly settings: LearningSettings;
  readonly device: DeviceAddress;
  /** Root of the frozen weights, when the caller has computed it. Only adapters need it. */
  readonly baseRoot?: Hex;
  readonly signal?: AbortSignal;
}

/** The model's part of `TrainerOptions`. */
export interface MemberModel {
  readonly format: PromptFormat;
  /** The weights that adapters are trained beside. Undefined when all weights are trained. */
  readonly base: BaseWeights | undefined;
  /** The checkpoint of a device that has never trained. It reads the weights. */
  readonly first: () => Promise<LearningCheckpoint>;
}

/**
 * How a model is asked: by its own chat template, or by the marks of a model that was taught here. Throws
 * TokenizerError when the tokenizer has neither.
 */
export function formatOf(
  { tokenizer, generation }: Pick<ModelToTrain, 'tokenizer' | 'generation'>,
  { answerTokens, critiqueTokens }: Pick<LearningSettings, 'answerTokens' | 'critiqueTokens'>,
): PromptFormat {
  if (!tokenizer.hasChatTemplate) return taughtFormat(tokenizer);
  return chatFormat({ tokenizer, endTokens: generation.endTokens, answerTokens, critiqueTokens });
}

/**
 * Prepares a model for a trainer. Throws TokenizerError for a model that cannot be asked and LoraError for
 * adapters that do not exist; reading the weights throws what their source throws.
 */
export async function memberModel(options: MemberModelOptions): Promise<MemberModel> {
  const { model, trained, settings, device, signal } = options;
  const { config, weights } = model;
  const format = formatOf(model, settings);
  if (trained.kind === 'full') {
    const first = async () => {
      const parameters = new Map<string, Float32Array>();
      for (const { name } of parameterSpecs(config))
        parameters.set(name, await weights.float32(name, signal));
      return firstCheckpoint({ config, parameters, device, settings });
    };
    return { format, base: undefined, first };
  }
  const lora = loraOf(trained);
  const root = options.baseRoot ?? (await frozenRoot(config, weights, { signal }));
  return {
    format,
    base: { weights, root },
    first: async () => firstAdapters({ config, lora, base: root, device, settings }),
  };
}

/** The adapters that a specification names. Throws LoraError for a projection that no model has. */
export function loraOf({ rank, alpha, targets }: Extract<TrainedPart, { kind: 'adapters' }>): LoraOptions {
  const lora = { rank, alpha, targets: targets as LoraOptions['targets'] };
  checkLora(lora);
  return lora;
}
