import { LIMITS } from '../messages/limits.ts';

/** As many of the first entries as fit into one message by the size of their texts. */
export function withinOneMessage<T extends { readonly text: string }>(entries: readonly T[]): readonly T[] {
  let bytes = 0;
  const end = entries.findIndex(({ text }) => {
    bytes += new TextEncoder().encode(text).length + 64;
    return bytes > LIMITS.texts;
  });
  return end < 0 ? entries : entries.slice(0, end);
}

/** Cuts text at a character's boundary to at most `max` UTF-8 bytes. Replaces lone surrogates. */
export function truncate(text: string, max: number): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= max) return text.toWellFormed();
  let end = max;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return new TextDecoder().decode(bytes.subarray(0, end));
}
