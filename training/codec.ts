import type { Tokenizer } from '../models/tokenizer/tokenizer.ts';

/** What training asks of a tokenizer: an exact way between texts and token ids. */
export interface Codec {
  /** Put before every prompt. */
  readonly startToken: number;
  /** Ends a completion. */
  readonly endToken: number;
  /** Ids of a text, nothing added. Throws when a character is not in the vocabulary. */
  encode(text: string): readonly number[];
  /** The text of the ids; special tokens become nothing. */
  decode(tokens: readonly number[]): string;
}

/** The codec of a tokenizer with the nano model's special tokens. Throws TokenizerError when it lacks them. */
export function codecOf(tokenizer: Tokenizer): Codec {
  return {
    startToken: tokenizer.idOf('<bos>'),
    endToken: tokenizer.idOf('<end>'),
    encode: (text) => tokenizer.encode(text),
    decode: (tokens) => tokenizer.decode(tokens),
  };
}

/** Token ids that a model continues for this prompt. */
export function promptTokens(codec: Codec, prompt: string): readonly number[] {
  return [codec.startToken, ...codec.encode(prompt)];
}

/** The text of a completion, its end token left out. */
export function completionText(codec: Codec, tokens: readonly number[]): string {
  return codec.decode(tokens.at(-1) === codec.endToken ? tokens.slice(0, -1) : tokens);
}
