import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StreamingDecoder } from './streaming-decoder.ts';
import { BEGIN, byteLevelJson, END, sentencePieceJson } from './testing/small-tokenizers.ts';
import { Tokenizer } from './tokenizer.ts';

const metaspace = { type: 'Metaspace', replacement: '\u2581', prepend_scheme: 'first', split: false };
const tokenizers: readonly (readonly [string, Tokenizer])[] = [
  ['SentencePiece', new Tokenizer(sentencePieceJson())],
  [
    'Metaspace',
    new Tokenizer(sentencePieceJson({ normalizer: null, pre_tokenizer: metaspace, decoder: metaspace })),
  ],
  ['byte level', new Tokenizer(byteLevelJson())],
];

const words = fc.constantFrom('a', ' a', ' cat', ' ', '  ', 'ä', '🙂', '字', '\ufffd', '.', '\n', 'x');
const text = fc.array(words, { maxLength: 16 }).map((parts) => parts.join(''));

function stream(tokenizer: Tokenizer, prompt: readonly number[], ids: readonly number[]): string {
  const decoder = new StreamingDecoder(tokenizer, prompt);
  return [...ids.map((id) => decoder.push(id)), decoder.finish()].join('');
}

describe.each(tokenizers)('StreamingDecoder with a %s tokenizer', (_, tokenizer) => {
  it('gives what decode gives, for every split of every text, with special tokens inside', () => {
    const at = fc.array(fc.nat(40), { maxLength: 3 });
    fc.assert(
      fc.property(text, fc.nat(40), at, (sample, cut, places) => {
        const ids = tokenizer.encodeWithSpecial(sample);
        for (const place of places) ids.splice(Math.min(place, ids.length), 0, place % 2 ? END : BEGIN);
        const prompt = ids.slice(0, cut);
        const before = tokenizer.decode(prompt);
        const whole = tokenizer.decode(ids);
        expect(stream(tokenizer, [], ids)).toBe(whole);
        // A prompt that ends inside a character has no text that the rest goes on from.
        fc.pre(whole.startsWith(before));
        expect(before + stream(tokenizer, prompt, ids.slice(cut))).toBe(whole);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps the first space of a continuation', () => {
    const ids = tokenizer.encode('a cat a cat');
    for (let cut = 1; cut < ids.length; cut++) {
      const prompt = [BEGIN, ...ids.slice(0, cut)];
      expect(tokenizer.decode(prompt) + stream(tokenizer, prompt, ids.slice(cut))).toBe('a cat a cat');
    }
  });
});
