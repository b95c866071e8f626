import { expect, it } from 'vitest';
import { sentenceOf } from './sentence-of.ts';

it('writes causes as sentences, and file names as they are', () => {
  expect(sentenceOf(new Error('the text is empty; paste some'))).toBe('The text is empty; paste some.');
  expect(sentenceOf(new Error('config.json: it is not JSON'))).toBe('config.json: it is not JSON.');
  expect(sentenceOf('Stopped!')).toBe('Stopped!');
  expect(sentenceOf(new Error(''))).toBe('Error, without a reason.');
  expect(sentenceOf(new DOMException('', 'QuotaExceededError'))).toMatch(/Delete models here/);
});
