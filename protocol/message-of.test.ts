import { expect, it } from 'vitest';
import { messageOf } from './message-of.ts';

it.each([
  [new Error('disk full'), 'disk full'],
  [new DOMException('gone', 'AbortError'), 'gone'],
  ['plain text', 'plain text'],
  [undefined, 'undefined'],
  ['', 'no reason was given'],
  [new Error(''), 'Error, without a reason'],
  [new DOMException('', 'AbortError'), 'AbortError, without a reason'],
])('gives the message of %s', (thrown, message) => {
  expect(messageOf(thrown)).toBe(message);
});

it('names the remedy for full storage, whatever the browser says', () => {
  for (const words of ['', 'The current transaction exceeded its quota limitations.']) {
    expect(messageOf(new DOMException(words, 'QuotaExceededError'))).toMatch(/is full. Delete models here/);
  }
});
