import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Tokenizer } from './tokenizer.ts';
import { TokenizerError } from './tokenizer-error.ts';
import { WORD_SPECIAL_TOKENS, wordTokenizerJson } from './word-vocabulary.ts';

const tokenizer = new Tokenizer(JSON.parse(JSON.stringify(wordTokenizerJson())));
const spellsSpecial = (text: string) => WORD_SPECIAL_TOKENS.some((token) => text.includes(token));

describe('word vocabulary', () => {
  it('has 256 to 448 tokens, each once', () => {
    expect(tokenizer.size).toBeGreaterThanOrEqual(256);
    expect(tokenizer.size).toBeLessThanOrEqual(448);
    const { model } = JSON.parse(JSON.stringify(wordTokenizerJson())) as {
      model: { vocab: Record<string, number> };
    };
    const ids = Object.values(model.vocab).sort((a, b) => a - b);
    expect(ids).toEqual(Array.from(ids, (_, id) => id));
  });

  it('gives any printable text back', () => {
    const character = fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code));
    const word = fc.constantFrom(' the', 'The', ' answer', ' is', '\n', '  ', ' 12', '"', ' +');
    const text = fc.string({ unit: fc.oneof(character, word), maxLength: 80 });
    fc.assert(
      fc.property(text, (sample) => {
        fc.pre(!spellsSpecial(sample));
        expect(tokenizer.decode(tokenizer.encode(sample))).toBe(sample);
      }),
    );
  });

  it('has one token for a frequent word, and one for each digit and for each letter of another word', () => {
    expect(tokenizer.encode('The answer is 407.')).toHaveLength(7);
    expect(tokenizer.encode('zyzzyva')).toHaveLength(7);
  });

  it('refuses other characters, and text that spells a mark of a prompt form', () => {
    expect(() => tokenizer.encode('naïve')).toThrow(TokenizerError);
    expect(() => tokenizer.encode('a\tb')).toThrow(TokenizerError);
    for (const mark of WORD_SPECIAL_TOKENS)
      expect(() => tokenizer.encode(`12${mark}`)).toThrow(TokenizerError);
  });
});
