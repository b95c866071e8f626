import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../messages/limits.ts';
import { truncate, withinOneMessage } from './truncate.ts';

describe('truncate', () => {
  it('gives a well-formed beginning of at most so many bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(40), (text, max) => {
        const cut = truncate(text, max);
        expect(new TextEncoder().encode(cut).length).toBeLessThanOrEqual(max);
        expect(text.toWellFormed().startsWith(cut)).toBe(true);
      }),
    );
    expect(truncate('aé', 2)).toBe('a');
    expect(truncate('aé', 3)).toBe('aé');
    expect(truncate('\ud800', 3)).toBe('\ufffd');
  });
});

describe('withinOneMessage', () => {
  it('keeps what fits', () => {
    const entries = Array.from({ length: 256 }, () => ({ text: 'x'.repeat(1024) }));
    const kept = withinOneMessage(entries);
    expect(kept.length).toBe(Math.floor(LIMITS.texts / 1088));
    expect(withinOneMessage(kept)).toEqual(kept);
  });
});
