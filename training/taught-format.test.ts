import { expect, it } from 'vitest';
import { characterTokenizerJson } from '../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../models/tokenizer/tokenizer.ts';
import { TokenizerError } from '../models/tokenizer/tokenizer-error.ts';
import { wordTokenizerJson } from '../models/tokenizer/word-vocabulary.ts';
import { taughtFormat } from './taught-format.ts';

it('knows the format of nano and micro by their vocabulary', () => {
  expect(taughtFormat(new Tokenizer(characterTokenizerJson())).id).toBe('short');
  expect(taughtFormat(new Tokenizer(wordTokenizerJson())).id).toBe('words');
});

it('refuses a vocabulary without the special tokens of either', () => {
  const { model, ...rest } = characterTokenizerJson();
  const other = new Tokenizer({
    ...rest,
    added_tokens: [],
    model: { ...(model as object), vocab: { a: 0, b: 1 } },
  });
  expect(() => taughtFormat(other)).toThrow(TokenizerError);
});
