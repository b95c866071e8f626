/** Converts text to token ids and back with a model's tokenizer.json. */
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';

export class TokenizerError extends Error {
  override readonly name = 'TokenizerError';
}

export class Tokenizer {
  readonly #inner: HuggingFaceTokenizer;
  readonly #special: ReadonlySet<number>;
  /** The largest id plus one. */
  readonly size: number;

  /** Reads a parsed tokenizer.json. Throws TokenizerError when it is not one. */
  constructor(json: unknown) {
    if (typeof json !== 'object' || json === null) {
      throw new TokenizerError('tokenizer.json must be a JSON object; fetch the model again');
    }
    try {
      this.#inner = new HuggingFaceTokenizer(json, {});
    } catch (cause) {
      throw new TokenizerError('tokenizer.json could not be read; fetch the model again', { cause });
    }
    const added = [...this.#inner.get_added_tokens_decoder()];
    this.#special = new Set(added.filter(([, token]) => token.special).map(([id]) => id));
    let largest = -1;
    for (const id of this.#inner.get_vocab(true).values()) largest = Math.max(largest, id);
    this.size = largest + 1;
  }

  /**
   * The token ids of plain text, without special tokens. Throws TokenizerError when the text spells a special
   * token, since text from a peer must not start or end anything, or when the vocabulary lacks one of its
   * characters.
   */
  encode(text: string): number[] {
    if (text === '') return [];
    const ids = this.#plainIds(text);
    // A vocabulary without an unknown token silently drops unknown characters.
    if (this.decode(ids) !== text.normalize('NFC')) {
      throw new TokenizerError('the text has characters that this model does not know; remove them');
    }
    return ids;
  }

  /**
   * The token ids of trusted text in which special tokens are spelled out, such as the output of a chat
   * template.
   */
  encodeWithSpecial(text: string): number[] {
    return text === '' ? [] : this.#inner.encode(text, { add_special_tokens: false }).ids;
  }

  /** Throws TokenizerError when the text spells a special token. */
  checkPlain(text: string): void {
    this.#plainIds(text);
  }

  #plainIds(text: string): number[] {
    const ids = this.encodeWithSpecial(text);
    if (ids.some((id) => this.#special.has(id))) {
      throw new TokenizerError('the text contains a special token; remove it');
    }
    return ids;
  }

  /** The text of `ids` without special tokens. Throws TokenizerError for an unknown id. */
  decode(ids: readonly number[]): string {
    const known = ids.filter((id) => !this.#special.has(id));
    if (known.length === 0) return '';
    for (const id of known) {
      if (this.#inner.id_to_token(id) === undefined) throw new TokenizerError(`${id} is not a token id`);
    }
    return this.#inner.decode(known, { clean_up_tokenization_spaces: false });
  }

  /** Whether `id` is a token. Models often have more ids than their tokenizers. */
  knows(id: number): boolean {
    return this.#inner.id_to_token(id) !== undefined;
  }

  /** Whether `id` is a special token, which has no text. */
  isSpecial(id: number): boolean {
    return this.#special.has(id);
  }

  /** The id of a token by its spelling. Throws TokenizerError when there is none. */
  idOf(token: string): number {
    const id = this.#inner.token_to_id(token);
    if (id === undefined) throw new TokenizerError(`the vocabulary has no token ${JSON.stringify(token)}`);
    return id;
  }
}
