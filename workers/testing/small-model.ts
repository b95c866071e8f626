import { type DecoderConfig, NANO_CONFIG } from '../../models/decoder/config.ts';
import { initialParameters } from '../../models/decoder/initialize.ts';
import { type ModelFiles, modelFiles } from '../../models/decoder/load.ts';
import {
  BEGIN_TOKEN,
  characterTokenizerJson,
  END_TOKEN,
  PAD_TOKEN,
} from '../../models/tokenizer/character-vocabulary.ts';
import { RandomStream } from '../../protocol/philox.ts';
import { DEFAULT_SETTINGS, type LearningSettings } from '../../training/learning-settings.ts';
import type { PublishedModel } from '../published-model.ts';

/** Nano's shape, narrow, so that the reference engine trains it in a moment. */
const CONFIG: DecoderConfig = {
  ...NANO_CONFIG,
  hiddenSize: 8,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headDim: 4,
  feedForward: 8,
};

export const SMALL_SETTINGS: LearningSettings = {
  ...DEFAULT_SETTINGS,
  itemsPerRound: 4,
  samplesPerItem: 4,
  mix: { own: 2, foreign: 2 },
  practicePrompts: 1,
  heldOutItems: 4,
  learningRate: 1e-2,
};

/** A published model with random weights, whose files are counted as they are requested for. */
export function smallModel(): PublishedModel & { readonly requested: string[] } {
  const stream = RandomStream.named({
    seed: new TextEncoder().encode('a small model for tests'),
    round: 0,
    device: '',
    purpose: 'initialisation',
  });
  const files: ModelFiles = modelFiles({
    config: CONFIG,
    parameters: initialParameters({
      config: CONFIG,
      draw: (tensor, element, part) => stream.word(tensor, element, part),
      deviation: 0.2,
    }),
    tokenizerJson: characterTokenizerJson(),
    beginToken: BEGIN_TOKEN,
    endToken: END_TOKEN,
    padToken: PAD_TOKEN,
  });
  const requested: string[] = [];
  return {
    requested,
    file: async (name) => {
      requested.push(name);
      return files[name];
    },
  };
}
