import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BEGIN_TOKEN,
  CHARACTER_VOCABULARY_SIZE,
  characterTokenizerJson,
  END_TOKEN,
  PAD_TOKEN,
} from './character-vocabulary.ts';
import { Tokenizer } from './tokenizer.ts';
import { TokenizerError } from './tokenizer-error.ts';

const tokenizer = new Tokenizer(JSON.parse(JSON.stringify(characterTokenizerJson())));

describe('character vocabulary', () => {
  it('has 64 distinct tokens', () => {
    expect(CHARACTER_VOCABULARY_SIZE).toBe(64);
    expect(tokenizer.size).toBe(64);
    const ids = Array.from({ length: 61 }, (_, i) => i + 3);
    expect(new Set(tokenizer.decode(ids)).size).toBe(61);
  });

  it('names its special tokens', () => {
    expect([tokenizer.idOf('<pad>'), tokenizer.idOf('<bos>'), tokenizer.idOf('<end>')]).toEqual([
      PAD_TOKEN,
      BEGIN_TOKEN,
      END_TOKEN,
    ]);
  });

  it('gives one token a character and the same text back', () => {
    const alphabet = [...tokenizer.decode(Array.from({ length: 61 }, (_, i) => i + 3))];
    const text = fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 40 });
    fc.assert(
      fc.property(text, (sample) => {
        fc.pre(!/<(?:pad|bos|end)>/.test(sample));
        const ids = tokenizer.encode(sample);
        expect(ids).toHaveLength(sample.length);
        expect(tokenizer.decode(ids)).toBe(sample);
      }),
    );
  });

  it('keeps spaces before punctuation', () => {
    expect(tokenizer.decode(tokenizer.encode('1 + 2 = 3 ! ? ,'))).toBe('1 + 2 = 3 ! ? ,');
  });
});

describe('Tokenizer', () => {
  it('refuses text that spells a special token', () => {
    expect(() => tokenizer.encode('12<end>34')).toThrow(TokenizerError);
  });

  it('refuses characters it does not know, rather than dropping them', () => {
    expect(() => tokenizer.encode('1 Ä 2')).toThrow(/does not know/);
    expect(() => tokenizer.encode('A')).toThrow(/does not know/);
  });

  it('leaves special tokens out of text and refuses ids it does not have', () => {
    expect(tokenizer.decode([BEGIN_TOKEN, 4, 5, END_TOKEN])).toBe('12');
    expect(tokenizer.decode([END_TOKEN])).toBe('');
    expect(tokenizer.decode([])).toBe('');
    expect(() => tokenizer.decode([64])).toThrow(TokenizerError);
  });

  it('says of a file whose parts fail on a text that it cannot be used', () => {
    const json = characterTokenizerJson() as Record<string, unknown>;
    const broken = { ...json, post_processor: { type: 'TemplateProcessing', single: [false] } };
    expect(() => new Tokenizer(broken).encode('1 + 2')).toThrow(TokenizerError);
  });

  it.each([-8, 0.5, '3', null, 2 ** 20, 4_294_967_294, 2 ** 53])('refuses the id %s of a token', (id) => {
    const json = characterTokenizerJson() as { readonly model: { readonly vocab: Record<string, unknown> } };
    const vocab = { ...json.model.vocab, '1': id };
    expect(() => new Tokenizer({ ...json, model: { ...json.model, vocab } })).toThrow(TokenizerError);
    const added_tokens = [{ id, content: '<pad>', special: true }];
    expect(() => new Tokenizer({ ...json, added_tokens })).toThrow(TokenizerError);
  });

  it('refuses what is not a tokenizer.json', () => {
    for (const json of [null, 1, 'x', {}, { model: {} }, { model: { type: 'BPE' } }]) {
      expect(() => new Tokenizer(json)).toThrow(TokenizerError);
    }
  });
});
