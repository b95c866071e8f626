/** A tokenizer, template or text cannot be used. The message tells the remedy. */
export class TokenizerError extends Error {
  override readonly name = 'TokenizerError';
}
