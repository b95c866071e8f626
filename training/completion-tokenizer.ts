import type { Tokenizer } from '../models/tokenizer/tokenizer.ts';

/** What training needs of a tokenizer: an exact mapping between texts and token ids. */
export interface CompletionTokenizer {
  /** Precedes every prompt. */
  readonly startToken: number;
  /** Ends a completion. */
  readonly endToken: number;
  /** The token ids of a text, without special tokens. Throws when a character is not in the vocabulary. */
  encode(text: string): readonly number[];
  /** The text of the token ids. Special tokens are left out. */
  decode(tokens: readonly number[]): string;
}

/** Wraps a tokenizer that has the nano model's special tokens. Throws TokenizerError when it lacks them. */
export function completionTokenizer(tokenizer: Tokenizer): CompletionTokenizer {
  return {
    startToken: tokenizer.idOf('<bos>'),
    endToken: tokenizer.idOf('<end>'),
    encode: (text) => tokenizer.encode(text),
    decode: (tokens) => tokenizer.decode(tokens),
  };
}

/** The token ids that a model continues for this prompt. */
export function promptTokens(tokenizer: CompletionTokenizer, prompt: string): readonly number[] {
  return [tokenizer.startToken, ...tokenizer.encode(prompt)];
}

/** The text of a completion without its end token. */
export function completionText(tokenizer: CompletionTokenizer, tokens: readonly number[]): string {
  return tokenizer.decode(tokens.at(-1) === tokenizer.endToken ? tokens.slice(0, -1) : tokens);
}
