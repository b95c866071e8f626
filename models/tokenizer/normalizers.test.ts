import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { characterTokenizerJson } from './character-vocabulary.ts';
import { byteLevelJson, sentencePieceJson } from './testing/small-tokenizers.ts';
import { Tokenizer } from './tokenizer.ts';

const metaspace = { type: 'Metaspace', replacement: '\u2581', prepend_scheme: 'first', split: false };
const normalizers = ['NFC', 'NFD', 'NFKC', 'NFKD', 'Lowercase', 'StripAccents'].map((type) => ({ type }));
const sequence = { type: 'Sequence', normalizers: [{ type: 'NFKC' }, { type: 'Lowercase' }] };
const tokenizers: readonly (readonly [string, Tokenizer])[] = [
  ['SentencePiece', new Tokenizer(sentencePieceJson())],
  ['Metaspace', new Tokenizer(sentencePieceJson({ normalizer: null, pre_tokenizer: metaspace }))],
  ['no normaliser', new Tokenizer(byteLevelJson())],
  ...[...normalizers, sequence].map(
    (normalizer) => [normalizer.type, new Tokenizer(byteLevelJson({ normalizer }))] as const,
  ),
];

describe.each(tokenizers)('a tokenizer with %s', (name, tokenizer) => {
  it.each([
    ['decomposed letters', 'cafe\u0301 Tie\u0302\u0301ng Vie\u0323\u0302t'],
    ['decomposed jamo', '\u1112\u1161\u11ab'],
    ['a sign with a canonical letter', '\u212b \u2126'],
    ['a compatibility ideograph', '\uf900'],
    ['full width and ligatures', '\uff21 \ufb01'],
    ['capitals', 'A Cat'],
    ['a leading space', ' a cat'],
    ['spaces', '   a  cat  '],
  ])('takes %s', (_, text) => {
    expect(tokenizer.encode(text).length).toBeGreaterThan(0);
  });

  it('takes any text, and gives it back where nothing is normalised', () => {
    // A Metaspace's mark in a text reads as a space, as in the published implementation.
    const letter = fc.constantFrom(...'aA \n.äé\u0301\u1112\u1161字🙂\u212b\ufb01');
    fc.assert(
      fc.property(fc.string({ unit: letter, minLength: 1, maxLength: 20 }), (text) => {
        const ids = tokenizer.encode(text);
        if (name === 'SentencePiece' || name === 'no normaliser') expect(tokenizer.decode(ids)).toBe(text);
      }),
    );
  });
});

describe('a tokenizer with tokens that take the space beside them', () => {
  const json = byteLevelJson();
  const token = { id: 300, content: '<tool>', single_word: false, lstrip: true, rstrip: true };
  const added = [...(json.added_tokens as unknown[]), { ...token, normalized: false, special: false }];
  const tokenizer = new Tokenizer({ ...json, added_tokens: added });

  it('takes their text', () => {
    const ids = tokenizer.encode('a  <tool> cat');
    expect(ids).toContain(300);
    expect(tokenizer.decode(ids)).toBe('a<tool>cat');
  });
});

describe('a tokenizer that lacks a character', () => {
  const lacking: readonly (readonly [string, Record<string, unknown>])[] = [
    ['drops it', characterTokenizerJson()],
    ['has no bytes for it', withoutBytes()],
  ];
  it.each(lacking)('and %s refuses the text', (_, json) => {
    const tokenizer = new Tokenizer(json);
    for (const text of ['aÄb', ' aÄ', 'Ä', '\tab'])
      expect(() => tokenizer.encode(text)).toThrow(/does not know/);
  });
});

function withoutBytes(): Record<string, unknown> {
  const json = sentencePieceJson();
  return { ...json, model: { ...(json.model as object), byte_fallback: false } };
}
