/** The nano model's vocabulary: three special tokens and 61 characters, as a real tokenizer.json. */

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
  const tokens = [...SPECIAL_TOKENS, ...CHARACTERS];
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL_TOKENS.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: null,
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
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: [],
    },
  };
}
