/** Reads and writes model folders with the character vocabulary, such as the built-in model's. */
import type { DecoderConfig } from '../models/decoder/config.ts';
import { modelFiles as filesOf, loadModel } from '../models/decoder/load.ts';
import type { NamedTensors } from '../models/decoder/state.ts';
import {
  BEGIN_TOKEN,
  characterTokenizerJson,
  END_TOKEN,
  PAD_TOKEN,
} from '../models/tokenizer/character-vocabulary.ts';
import { type CompletionTokenizer, completionTokenizer } from './completion-tokenizer.ts';

export const MODEL_FILES = ['model.safetensors', 'config.json', 'tokenizer.json'] as const;

export type ModelFiles = Readonly<Record<(typeof MODEL_FILES)[number], Uint8Array>>;

export interface LoadedModel {
  readonly config: DecoderConfig;
  readonly parameters: NamedTensors;
  readonly tokenizer: CompletionTokenizer;
}

/** The files of a model with the character vocabulary. Equal weights give equal bytes. */
export function modelFiles(config: DecoderConfig, parameters: NamedTensors): ModelFiles {
  return filesOf({
    config,
    parameters,
    tokenizerJson: characterTokenizerJson(),
    beginToken: BEGIN_TOKEN,
    endToken: END_TOKEN,
    padToken: PAD_TOKEN,
  });
}

/**
 * Reads a model from its files. Throws what `loadModel` throws, and TokenizerError when the tokenizer lacks
 * the nano model's special tokens.
 */
export function readModel(files: ModelFiles): LoadedModel {
  const { config, parameters, tokenizer } = loadModel(files);
  return { config, parameters, tokenizer: completionTokenizer(tokenizer) };
}
