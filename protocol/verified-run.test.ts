import { describe, expect, expectTypeOf, it } from 'vitest';
import type { Terms } from './evidence.ts';
import { termsHash } from './slot-encoding.ts';
import { type VerifiedRun, type VerifiedTerms, verifyRun } from './verified-run.ts';

const hash = (digit: string) => `0x${digit.repeat(64)}` as const;
const terms: Terms = {
  program: hash('1'),
  data: hash('2'),
  initial: hash('3'),
  steps: 4,
  slots: 5,
  dataSlots: 6,
};

describe('verifyRun', () => {
  it('gives the run whose terms have the hash, and nothing for any other', () => {
    const run = { terms, name: 'a plan' };
    expect(verifyRun(run, termsHash(terms))).toBe(run);
    expect(verifyRun(run, hash('0'))).toBeUndefined();
    for (const change of [{ steps: 5 }, { program: hash('4') }, { dataSlots: 0 }]) {
      expect(verifyRun({ terms: { ...terms, ...change } }, termsHash(terms))).toBeUndefined();
    }
  });

  it('is the only way to a verified run', () => {
    expectTypeOf<VerifiedRun<{ readonly terms: Terms }>>().toExtend<{ readonly terms: Terms }>();
    expectTypeOf(terms).not.toExtend<VerifiedTerms>();
    expectTypeOf<{ readonly terms: Terms }>().not.toExtend<VerifiedRun<{ readonly terms: Terms }>>();
  });
});
