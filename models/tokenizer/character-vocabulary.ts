/** The nano model's vocabulary: three special tokens and 61 characters, as a real tokenizer.json. */
import { plainTokenizerJson } from './plain-vocabulary.ts';

export const PAD_TOKEN = 0;
export const BEGIN_TOKEN = 1;
export const END_TOKEN = 2;

const SPECIAL_TOKENS = ['<pad>', '<bos>', '<end>'] as const;
/** In the order of the token ids, which every nano model depends on. */
const CHARACTERS = '0123456789abcdefghijklmnopqrstuvwxyz +-=?,.:;><()*/|#!\n_%&@[]';

export const CHARACTER_VOCABULARY_SIZE = SPECIAL_TOKENS.length + CHARACTERS.length;

/**
 * A tokenizer.json in Hugging Face's format: byte-pair encoding without merges, so each character is one
 * token.
 */
export function characterTokenizerJson(): Record<string, unknown> {
  return plainTokenizerJson({ special: SPECIAL_TOKENS, tokens: [...CHARACTERS] });
}
