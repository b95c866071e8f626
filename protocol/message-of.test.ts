import { expect, it } from 'vitest';
import { messageOf } from './message-of.ts';

it.each([
  [new Error('disk full'), 'disk full'],
  [new DOMException('gone', 'AbortError'), 'gone'],
  ['plain text', 'plain text'],
  [undefined, 'undefined'],
])('gives the message of %s', (thrown, message) => {
  expect(messageOf(thrown)).toBe(message);
});
