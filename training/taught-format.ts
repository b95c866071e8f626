/** The prompt format of a model that was taught here, such as the built-in ones. */
import type { Tokenizer } from '../models/tokenizer/tokenizer.ts';
import { completionTokenizer } from './completion-tokenizer.ts';
import type { PromptFormat } from './prompt-format.ts';
import { shortFormat } from './short-format.ts';
import { hasWordsMarks, wordsFormat } from './words-format.ts';

/**
 * The words format when the vocabulary has its marks, and the short format otherwise. Throws TokenizerError
 * when the vocabulary has the special tokens of neither.
 */
export function taughtFormat(tokenizer: Tokenizer): PromptFormat {
  return hasWordsMarks(tokenizer) ? wordsFormat(tokenizer) : shortFormat(completionTokenizer(tokenizer));
}
