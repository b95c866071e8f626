/** A tokenizer.json in Hugging Face's format whose tokens are given one by one. */

export interface PlainVocabulary {
  /** Tokens that no text spells, with the first ids. */
  readonly special: readonly string[];
  /** All other tokens, in the order of their ids. */
  readonly tokens: readonly string[];
  /**
   * How a text is cut into words before its tokens are looked up, each of which may be one token. Without it
   * each character is one token.
   */
  readonly words?: { readonly type: string; readonly [field: string]: unknown };
}

/**
 * Byte-pair encoding without merges, so that a text becomes the given tokens only. Equal arguments give equal
 * JSON.
 */
export function plainTokenizerJson({ special, tokens, words }: PlainVocabulary): Record<string, unknown> {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: words ?? null,
    post_processor: null,
    decoder: { type: 'Fuse' },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: words !== undefined,
      vocab: Object.fromEntries([...special, ...tokens].map((token, id) => [token, id])),
      merges: [],
    },
  };
}
