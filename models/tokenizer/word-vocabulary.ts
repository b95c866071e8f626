/**
 * The micro model's vocabulary as a real tokenizer.json: special tokens, the printable characters of ASCII,
 * and whole words that the tasks use often.
 */
import { COMMON_WORDS } from './common-words.ts';
import { plainTokenizerJson } from './plain-vocabulary.ts';

/** In the order of the token ids, which every micro model depends on. */
export const WORD_SPECIAL_TOKENS = [
  '<pad>',
  '<bos>',
  '<end>',
  '<|answer|>',
  '<|shown|>',
  '<|judge|>',
  '<|critique|>',
  '<|correct|>',
] as const;

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Every printable character of ASCII, and the line feed. */
const CHARACTERS = ['\n', ...Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index))];

/** What often follows a space. A digit after a space begins a number, so numbers need no token for it. */
const AFTER_SPACE = [...'0123456789+-*/=<>(["\'', ...LETTERS].map((character) => ` ${character}`);

/**
 * A tokenizer.json in Hugging Face's format. It is byte-pair encoding without merges: a word of the
 * vocabulary is one token with the space before it, and any other text is one token a character. No two
 * digits share a token. Text with a character outside printable ASCII and line feed is refused by
 * `Tokenizer`.
 */
export function wordTokenizerJson(): Record<string, unknown> {
  return plainTokenizerJson({
    special: WORD_SPECIAL_TOKENS,
    tokens: [...CHARACTERS, ...AFTER_SPACE, ...COMMON_WORDS],
    words: {
      type: 'Split',
      pattern: { Regex: ' ?[A-Za-z]+| ?[^A-Za-z ]| ' },
      behavior: 'Isolated',
      invert: false,
    },
  });
}
