import { messageOf } from '../../protocol/message-of.ts';

/** Anything thrown, as one sentence with a capital at the beginning and a full stop at the end. */
export function sentenceOf(error: unknown): string {
  const text = messageOf(error).trim();
  // A file name or an address at the beginning keeps its spelling.
  const word = /^[a-z]+(?=[ ,;:])/.test(text);
  const start = word ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /[.!?]$/.test(start) ? start : `${start}.`;
}
