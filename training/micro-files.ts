/** Writes the micro model's folder. `loadModel` reads it back. */
import type { DecoderConfig } from '../models/decoder/config.ts';
import { type ModelFiles, modelFiles } from '../models/decoder/load.ts';
import type { NamedTensors } from '../models/decoder/state.ts';
import { wordTokenizerJson } from '../models/tokenizer/word-vocabulary.ts';
import { microTokenizer } from './micro-pretraining.ts';

/** The files, with the weights rounded to bf16. Equal weights give equal bytes. */
export function microFiles(config: DecoderConfig, parameters: NamedTensors): ModelFiles {
  const tokenizer = microTokenizer();
  return modelFiles({
    config,
    parameters,
    tokenizerJson: wordTokenizerJson(),
    beginToken: tokenizer.idOf('<bos>'),
    endToken: tokenizer.idOf('<end>'),
    padToken: tokenizer.idOf('<pad>'),
    dtype: 'bfloat16',
  });
}
