/** Converts text to token ids and back with a model's tokenizer.json. */
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { checkPatterns } from './pattern-check.ts';
import { checkTokenIds, isTokenId } from './token-ids.ts';
import { TokenizerError } from './tokenizer-error.ts';

export class Tokenizer {
  readonly #inner: HuggingFaceTokenizer;
  readonly #special: ReadonlySet<number>;
  /** Added tokens that take the white space beside them. */
  readonly #stripping: ReadonlySet<number>;
  /** Whether decoding leaves out a space at the beginning, which encoding puts there. */
  readonly #stripsFirstSpace: boolean;
  /** The largest id plus one. */
  readonly size: number;

  /** Reads a parsed tokenizer.json. Throws TokenizerError when it is not one. */
  constructor(json: unknown) {
    if (typeof json !== 'object' || json === null) {
      throw new TokenizerError('tokenizer.json must be a JSON object; fetch the model again');
    }
    checkPatterns(json as Readonly<Record<string, unknown>>);
    checkTokenIds(json as Readonly<Record<string, unknown>>);
    try {
      this.#inner = new HuggingFaceTokenizer(json, {});
    } catch (cause) {
      throw new TokenizerError('tokenizer.json could not be read; fetch the model again', { cause });
    }
    const added = [...this.#inner.get_added_tokens_decoder()];
    this.#special = new Set(added.filter(([, token]) => token.special).map(([id]) => id));
    const stripping = added.filter(([, token]) => token.lstrip || token.rstrip).map(([id]) => id);
    this.#stripping = new Set(stripping);
    const decoder = JSON.stringify((json as { readonly decoder?: unknown }).decoder ?? null);
    this.#stripsFirstSpace = /"type":"(Metaspace|Strip)"/.test(decoder);
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
    if (!this.#isKept(text, ids)) throw unknownCharacters();
    return ids;
  }

  /**
   * Whether `ids` have all of the text that the tokenizer's own normaliser leaves. A space at the beginning,
   * or beside a token that takes it, may be gone: no id would have stood for it.
   */
  #isKept(text: string, ids: readonly number[]): boolean {
    const decoded = this.decode(ids);
    if (decoded === text) return true;
    const normalized = (part: string) => this.#run(() => this.#inner.normalizer?.(part)) ?? part;
    const [wanted, kept] = [normalized(text), normalized(decoded)];
    if (wanted === kept) return true;
    if (this.#stripsFirstSpace && text.startsWith(' ') && normalized(text.slice(1)) === kept) return true;
    if (!ids.some((id) => this.#stripping.has(id))) return false;
    const withoutSpace = (part: string) => part.replace(/\s+/g, '');
    return withoutSpace(wanted) === withoutSpace(kept);
  }

  /**
   * The token ids of trusted text in which special tokens are spelled out, such as the output of a chat
   * template.
   */
  encodeWithSpecial(text: string): number[] {
    if (text === '') return [];
    const { ids } = this.#run(() => this.#inner.encode(text, { add_special_tokens: false }));
    if (!ids.every(isTokenId)) throw unusable();
    return ids;
  }

  /** Throws TokenizerError when the text spells a special token. */
  checkPlain(text: string): void {
    this.#plainIds(text);
  }

  #plainIds(text: string): number[] {
    const ids = this.encodeWithSpecial(text);
    const special = ids.find((id) => this.#special.has(id));
    if (special === undefined) return ids;
    // The unknown token is special too, and stands for characters that spell something else.
    const spelling = this.#inner.id_to_token(special);
    if (spelling !== undefined && !text.includes(spelling)) throw unknownCharacters();
    throw new TokenizerError('the text contains a special token; remove it');
  }

  /** The text of `ids` without special tokens. Throws TokenizerError for an unknown id. */
  decode(ids: readonly number[]): string {
    const known = ids.filter((id) => !this.#special.has(id));
    if (known.length === 0) return '';
    for (const id of known) {
      if (this.#inner.id_to_token(id) === undefined) throw new TokenizerError(`${id} is not a token id`);
    }
    return this.#run(() => this.#inner.decode(known, { clean_up_tokenization_spaces: false }));
  }

  /**
   * Runs a part of the file, which a stranger wrote and of which the package checks little beforehand: what
   * is wrong with it shows when a text comes. Throws TokenizerError for it.
   */
  #run<T>(part: () => T): T {
    try {
      return part();
    } catch (cause) {
      throw unusable(cause);
    }
  }

  /** Whether `id` is a token. Models often have more ids than their tokenizers. */
  knows(id: number): boolean {
    return this.#inner.id_to_token(id) !== undefined;
  }

  /** Whether `id` is a special token, which has no text. */
  isSpecial(id: number): boolean {
    return this.#special.has(id);
  }

  /** Whether some token is spelled so. */
  has(token: string): boolean {
    return this.#inner.token_to_id(token) !== undefined;
  }

  /** The id of a token by its spelling. Throws TokenizerError when there is none. */
  idOf(token: string): number {
    const id = this.#inner.token_to_id(token);
    if (id === undefined) throw new TokenizerError(`the vocabulary has no token ${JSON.stringify(token)}`);
    return id;
  }
}

function unusable(cause?: unknown): TokenizerError {
  return new TokenizerError('tokenizer.json cannot be used for this text; fetch the model again', { cause });
}

function unknownCharacters(): TokenizerError {
  return new TokenizerError('the text has characters that this model does not know; remove them');
}
