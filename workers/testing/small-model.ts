import { type ModelFiles, modelFiles } from '../../models/decoder/load.ts';
import {
  BEGIN_TOKEN,
  characterTokenizerJson,
  END_TOKEN,
  PAD_TOKEN,
} from '../../models/tokenizer/character-vocabulary.ts';
import type { LearningSettings } from '../../training/learning-settings.ts';
import { NARROW_CONFIG, NARROW_SETTINGS, narrowParameters } from '../../training/testing/narrow-model.ts';
import type { PublishedModel } from '../published-model.ts';

export const SMALL_SETTINGS: LearningSettings = {
  ...NARROW_SETTINGS,
  samplesPerItem: 4,
  mix: { own: 2, foreign: 2 },
};

/** A published model with random weights. It records the names of the requested files. */
export function smallModel(): PublishedModel & { readonly requested: string[] } {
  const files: ModelFiles = modelFiles({
    config: NARROW_CONFIG,
    parameters: narrowParameters('a small model for tests'),
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
