/**
 * Small tokenizer.json files for tests: one in the shape of Llama 2's (SentencePiece with byte fallback), one
 * in the shape of Llama 3's (byte level).
 */

type Json = Record<string, unknown>;

export const BEGIN = 1;
export const END = 2;
const SPECIAL = ['<unk>', '<s>', '</s>'];

const MARK = '\u2581';
const LETTERS = 'abcdefghijklmnopqrstuvwxyz.,!?';

function added(contents: readonly string[], first: number): Json[] {
  return contents.map((content, i) => ({
    id: first + i,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
}

function bpe(tokens: readonly string[], merges: readonly string[], more: Json = {}): Json {
  return {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    merges,
    ...more,
  };
}

/** A post-processor that puts the begin token before each text. */
export function beginTemplate(token = '<s>', id = BEGIN): Json {
  return {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: token, type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [
      { SpecialToken: { id: token, type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { Sequence: { id: 'B', type_id: 1 } },
    ],
    special_tokens: { [token]: { id: token, ids: [id], tokens: [token] } },
  };
}

/** A SentencePiece vocabulary as in Llama 2: the space is a mark, and missing characters are bytes. */
export function sentencePieceJson(more: Json = {}): Json {
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`);
  const words = [`${MARK}a`, `${MARK}c`, 'at', `${MARK}cat`, `${MARK}${MARK}`];
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added(SPECIAL, 0),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: MARK },
        { type: 'Replace', pattern: { String: ' ' }, content: MARK },
      ],
    },
    pre_tokenizer: null,
    post_processor: beginTemplate(),
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: MARK }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: bpe(
      [...SPECIAL, ...bytes, MARK, ...LETTERS, ...words],
      [`${MARK} a`, `${MARK} c`, 'a t', `${MARK}c at`, `${MARK} ${MARK}`],
      { unk_token: '<unk>', fuse_unk: true, byte_fallback: true },
    ),
    ...more,
  };
}

/** GPT-2's printable stand-in for each byte. */
function byteLetters(): string[] {
  const printable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
}

/** A byte-level vocabulary as in Llama 3, with its begin token in a sequence of post-processors. */
export function byteLevelJson(more: Json = {}): Json {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  const merges = ['c a', 'ca t', 'Ġ a', 'Ġ cat'];
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added(SPECIAL, 0),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: { type: 'Sequence', processors: [byteLevel, beginTemplate()] },
    decoder: byteLevel,
    model: bpe([...SPECIAL, ...byteLetters(), ...merges.map((merge) => merge.replace(' ', ''))], merges),
    ...more,
  };
}
