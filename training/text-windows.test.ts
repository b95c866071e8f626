import { expect, it } from 'vitest';
import { ChatTokenizer } from '../models/tokenizer/chat-tokenizer.ts';
import {
  BEGIN,
  byteLevelJson,
  END,
  sentencePieceJson,
} from '../models/tokenizer/testing/small-tokenizers.ts';
import { trainingTokens } from './text-windows.ts';

it.each([
  ['SentencePiece', sentencePieceJson()],
  ['byte level', byteLevelJson()],
])('puts the begin tokens of a %s tokenizer before each document', (_, json) => {
  const tokenizer = new ChatTokenizer(json, { bos_token: '<s>' });
  const plain = tokenizer.encode('a cat');
  const text = '{"text": "a cat"}\n{"text": "a cat"}';
  const document = [BEGIN, ...plain, END];
  expect(trainingTokens({ format: 'jsonl', text }, tokenizer, END)).toEqual([...document, ...document]);
  expect(trainingTokens({ format: 'text', text: 'a cat' }, tokenizer, END)).toEqual([BEGIN, ...plain]);
});
